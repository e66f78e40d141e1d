//! Folder names made from the names that users give to scenarios and topologies.

/// Longest folder name in bytes (file systems allow 255).
const LONGEST: usize = 80;

/// Names that Windows keeps for devices, with or without an extension ("Naming Files, Paths, and Namespaces", Microsoft
/// Learn, 2024); `COM1` to `COM9` and `LPT1` to `LPT9` besides.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name that is one plain folder on every file system: ASCII letters, digits, `-`, `_` and `.` stay, Latin letters lose
/// their accents, everything else becomes `-`; never empty, never hidden, never a step upwards. A name of which letters
/// had to be dropped or cut off gets a hash of the whole name, so that two such names do not meet; those that differ only
/// in blanks, punctuation, accents or case still do, see [`folder_names`].
pub fn folder_name(name: &str) -> String {
    let mut plain = String::new();
    let mut lost = false;
    for c in name.chars() {
        match latin(c) {
            _ if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => plain.push(c),
            Some(letters) => plain.push_str(letters),
            // accents of their own, as macOS has them in file names
            None if ('\u{300}'..='\u{36F}').contains(&c) => {}
            None => {
                lost |= c.is_alphanumeric();
                plain.push('-');
            }
        }
    }
    let trimmed = plain.trim_matches(['.', '-']);
    if trimmed.is_empty() {
        return hashed("unnamed", name);
    }
    if lost || trimmed.len() > LONGEST || is_device(trimmed) { hashed(trimmed, name) } else { trimmed.to_owned() }
}

/// Folder names for several names that stand side by side, beside names that are taken already (in lower case). Those that
/// would meet, even in a file system that ignores case, get a hash of the whole name, all of them: which folder a name
/// gets does not depend on the order of the names.
pub fn folder_names(names: &[&str], taken: &[&str]) -> Vec<String> {
    let plain: Vec<String> = names.iter().map(|n| folder_name(n)).collect();
    let folded: Vec<String> = plain.iter().map(|p| p.to_ascii_lowercase()).collect();
    let meets = |i: usize| {
        taken.contains(&folded[i].as_str()) || folded.iter().enumerate().any(|(j, other)| j != i && *other == folded[i])
    };
    (0..names.len()).map(|i| if meets(i) { hashed(&plain[i], names[i]) } else { plain[i].clone() }).collect()
}

/// As much of the readable part as there is room for, and the hash of the whole name.
fn hashed(readable: &str, name: &str) -> String {
    let suffix = format!("-{:08x}", hash(name.as_bytes()) >> 32);
    // `readable` is ASCII, so any byte is a place to cut
    let head = readable[..readable.len().min(LONGEST - suffix.len())].trim_end_matches(['.', '-']);
    format!("{head}{suffix}")
}

/// Whether Windows takes the name for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let port = |kind: &str| stem.strip_prefix(kind).is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
    DEVICES.contains(&stem.as_str()) || port("com") || port("lpt")
}

/// FNV-1a with 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv, 2023): stable over versions of program and compiler, which
/// the standard library's hash is not. It guards against accidents, not against malice.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// The letters without marks of a Latin letter beyond ASCII (Unicode blocks Latin-1 Supplement and Latin Extended-A).
fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'Æ' => "AE",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ð' | 'Ď' | 'Đ' => "D",
        'ð' | 'ď' | 'đ' => "d",
        'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĥ' | 'Ħ' => "H",
        'ĥ' | 'ħ' => "h",
        'Ì'..='Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => "I",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'Ĵ' => "J",
        'ĵ' => "j",
        'Ķ' => "K",
        'ķ' | 'ĸ' => "k",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' | 'Ŋ' => "N",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŋ' | 'ŉ' => "n",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'Œ' => "OE",
        'œ' => "oe",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ſ' => "s",
        'ß' => "ss",
        'Ţ' | 'Ť' | 'Ŧ' => "T",
        'ţ' | 'ť' | 'ŧ' => "t",
        'Þ' => "Th",
        'þ' => "th",
        'Ù'..='Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'Ŵ' => "W",
        'ŵ' => "w",
        'Ý' | 'Ŷ' | 'Ÿ' => "Y",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_plain_folder() {
        assert_eq!(folder_name("active-active"), "active-active");
        assert_eq!(folder_name("../../etc/passwd"), "etc-passwd");
        assert_eq!(folder_name("São Paulo: two"), "Sao-Paulo--two");
        assert_eq!(folder_name("Łódź, Straße"), "Lodz--Strasse");
        assert_eq!(folder_name("Sa\u{303}o"), "Sao", "composed or not");
        assert_eq!(folder_name("v1.2_b"), "v1.2_b");
    }

    #[test]
    fn every_latin_letter_of_the_two_blocks_has_a_plain_form() {
        for c in ('\u{C0}'..='\u{17F}').filter(|c| c.is_alphabetic()) {
            let plain = latin(c).unwrap_or_else(|| panic!("{c} has none"));
            assert!(plain.chars().all(|p| p.is_ascii_alphabetic()));
            assert_eq!(plain.chars().all(char::is_lowercase), c.is_lowercase(), "{c}");
        }
    }

    #[test]
    fn what_cannot_be_written_in_ascii_is_told_apart_by_a_hash() {
        let names = ["東京", "大阪", "..", "", "東京 2", "Москва", "con", "LPT1.txt"];
        let folders: Vec<String> = names.iter().map(|n| folder_name(n)).collect();
        for (i, f) in folders.iter().enumerate() {
            assert!(!folders[..i].contains(f), "{folders:?}");
            assert!(f.is_ascii() && !f.starts_with(['.', '-']), "{f}");
            let (_, digits) = f.rsplit_once('-').unwrap();
            assert!(digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{f}");
        }
        // Stable: a result that is found again tomorrow, and by another version.
        assert_eq!(folders[0], "unnamed-2f3c04f1");
        assert_eq!(folders[4], "2-2fb72a2d");
    }

    #[test]
    fn long_names_are_cut_and_still_told_apart() {
        let (a, b) = (folder_name(&("x".repeat(300) + "a")), folder_name(&("x".repeat(300) + "b")));
        assert!(a != b && a.len() == LONGEST && b.len() == LONGEST, "{a} {b}");
        assert_eq!(folder_name(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }

    #[test]
    fn names_that_meet_are_told_apart_in_any_order() {
        assert_eq!(folder_names(&["a", "b"], &[]), ["a", "b"]);
        let names = ["eu", "EU", "São", "Sao", "a b", "a:b", "other", "summary.json"];
        let folders = folder_names(&names, &["summary.json"]);
        for (i, f) in folders.iter().enumerate() {
            assert!(folders[..i].iter().all(|g| !g.eq_ignore_ascii_case(f)), "{folders:?}");
        }
        assert_eq!(folders[6], "other");
        assert!(folders[7].starts_with("summary.json-"), "{}", folders[7]);
        let mut turned = names;
        turned.reverse();
        let mut again = folder_names(&turned, &["summary.json"]);
        again.reverse();
        assert_eq!(folders, again);
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        // test vectors of the draft
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
