//! The catalogue as a whole: what is shipped, where it comes from, and that NOTICE and the program agree.

use geodes::catalog;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// SHA-256 (FIPS 180-4), written out here because the program itself needs no hash function.
fn sha256(data: &[u8]) -> String {
    // first 32 bits of the fractional parts of the cube and square roots of the first primes
    let primes: Vec<u128> = (2u128..).filter(|n| (2..*n).all(|d| n % d != 0)).take(64).collect();
    let root_bits = |p: u128, cube: bool| {
        // largest r with r^k <= p * 2^(32 k), by bisection; its low 32 bits are the fraction
        let (mut low, mut high) = (0u128, 1 << 40);
        while high - low > 1 {
            let mid = (low + high) / 2;
            let fits = if cube {
                // mid^3 <= p << 96 without overflow: compare mid^2 with (p << 96) / mid
                mid * mid <= (p << 96) / mid
            } else {
                mid * mid <= p << 64
            };
            if fits { low = mid } else { high = mid }
        }
        low as u32
    };
    let k: Vec<u32> = primes.iter().map(|&p| root_bits(p, true)).collect();
    let mut h: Vec<u32> = primes.iter().take(8).map(|&p| root_bits(p, false)).collect();
    let mut message = data.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend(((data.len() as u64) * 8).to_be_bytes());
    for block in message.chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect();
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = h.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(majority);
        }
        for (a, b) in h.iter_mut().zip(v) {
            *a = a.wrapping_add(b);
        }
    }
    h.iter().map(|x| format!("{x:08x}")).collect()
}

#[test]
fn the_hash_is_sha256() {
    assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn every_shipped_file_has_a_source_and_is_unchanged() {
    let folder = root().join("src/catalog/data");
    let mut shipped: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    shipped.sort();
    let mut known: Vec<&str> = catalog::sources().iter().filter_map(|s| s.file.map(|f| f.name)).collect();
    known.sort_unstable();
    assert_eq!(shipped, known);
    let mut total = 0;
    for file in catalog::sources().iter().filter_map(|s| s.file) {
        let bytes = std::fs::read(folder.join(file.name)).unwrap();
        assert_eq!(sha256(&bytes), file.sha256, "{}", file.name);
        total += bytes.len();
        let text = if file.name.ends_with(".gz") {
            assert_eq!(bytes[4..8], [0; 4], "{}: gzip time stamp", file.name);
            let mut text = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
            text
        } else {
            String::from_utf8(bytes).unwrap()
        };
        let rows = if file.name.ends_with(".tab") {
            text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count()
        } else {
            csv::Reader::from_reader(text.as_bytes()).into_records().map(Result::unwrap).count()
        };
        assert_eq!(rows, file.rows, "{}", file.name);
    }
    assert!(total < 1_500_000, "{total} bytes embedded");
}

#[test]
fn sources_are_complete_and_unique() {
    for s in catalog::sources() {
        assert_eq!(catalog::source(s.id), Some(s));
        for text in [s.what, s.origin, s.date, s.licence, s.modified] {
            assert!(!text.is_empty(), "{}", s.id);
        }
        // whatever is shipped row by row has a licence
        assert!(
            s.file.is_none() || !s.licence.contains("not stated") && !s.licence.contains("none stated"),
            "{}",
            s.id
        );
    }
}

/// Every id that rows carry is in the table.
#[test]
fn rows_refer_to_known_sources() {
    let mut ids: Vec<&str> = vec!["wondernetwork-fit", "cloudping-jitter", "llm-daily-outages"];
    ids.extend(catalog::latency_presets().iter().map(|p| p.source));
    ids.extend(catalog::quotas().iter().map(|q| q.source));
    ids.extend(catalog::size_fits().iter().map(|f| f.source));
    ids.extend(catalog::all_incident_stats().iter().map(|i| i.source));
    ids.extend(catalog::SHAPES.iter().map(|s| catalog::rate_shape(s).unwrap().source));
    ids.extend(catalog::TRACES.iter().map(|t| catalog::trace(t).unwrap().source));
    ids.extend(
        [catalog::RttDataset::AzureP95, catalog::RttDataset::AwsPing, catalog::RttDataset::GcpPing]
            .map(catalog::RttDataset::source),
    );
    for r in catalog::regions() {
        for origin in
            [catalog::compute_price(r).origin, catalog::egress_price(r, catalog::Destination::Internet).origin]
        {
            match origin {
                catalog::PriceOrigin::Listed { source }
                | catalog::PriceOrigin::Rule { source, .. }
                | catalog::PriceOrigin::Estimated { source, .. } => ids.push(source),
                catalog::PriceOrigin::Assumption { .. } => {}
            }
        }
    }
    for id in ids {
        assert!(catalog::source(id).is_some(), "{id}");
    }
}

/// `NOTICE` is generated: `GEODES_BLESS=1 cargo test --test catalog` writes it.
#[test]
fn notice_is_the_table_of_sources() {
    let path = root().join("NOTICE");
    if std::env::var_os("GEODES_BLESS").is_some() {
        std::fs::write(&path, catalog::notice()).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == catalog::notice(), "NOTICE is out of date: run GEODES_BLESS=1 cargo test --test catalog");
}

#[test]
fn docs_name_every_dataset() {
    let text = std::fs::read_to_string(root().join("docs/data.md")).unwrap();
    for s in catalog::sources() {
        assert!(text.contains(&format!("`{}`", s.id)), "docs/data.md does not mention `{}`", s.id);
    }
}
