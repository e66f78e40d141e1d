//! The Mersenne Twister as CPython 3.11 uses it, written from its description (Matsumoto and Nishimura, 1998) and checked
//! against `rng_mt19937_seed42.json`.

use geodes::routing::entropy::Entropy;

const N: usize = 624;
const M: usize = 397;

/// `random.Random(seed)`.
#[derive(Clone)]
pub struct Mt19937 {
    state: [u32; N],
    next: usize,
}

impl Mt19937 {
    /// Seeded as CPython seeds from a non-negative integer: by the array of its 32-bit digits.
    pub fn new(seed: u64) -> Mt19937 {
        let digits: Vec<u32> = if seed >> 32 == 0 { vec![seed as u32] } else { vec![seed as u32, (seed >> 32) as u32] };
        let mut s = [0; N];
        s[0] = 19_650_218;
        for i in 1..N {
            s[i] = 1_812_433_253_u32.wrapping_mul(s[i - 1] ^ (s[i - 1] >> 30)).wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(digits.len()) {
            let mixed = s[i] ^ (s[i - 1] ^ (s[i - 1] >> 30)).wrapping_mul(1_664_525);
            s[i] = mixed.wrapping_add(digits[j]).wrapping_add(j as u32);
            i += 1;
            j = (j + 1) % digits.len();
            if i == N {
                s[0] = s[N - 1];
                i = 1;
            }
        }
        for _ in 1..N {
            let mixed = s[i] ^ (s[i - 1] ^ (s[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            s[i] = mixed.wrapping_sub(i as u32);
            i += 1;
            if i == N {
                s[0] = s[N - 1];
                i = 1;
            }
        }
        s[0] = 0x8000_0000;
        Mt19937 { state: s, next: N }
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `getrandbits(k)` for 1 to 32 bits.
    pub fn bits(&mut self, k: u32) -> u32 {
        self.word() >> (32 - k)
    }

    /// `_randbelow(n)`: as many bits as `n` has, again until the number is below it.
    fn below(&mut self, n: usize) -> usize {
        let k = usize::BITS - n.leading_zeros();
        loop {
            let r = self.bits(k) as usize;
            if r < n {
                return r;
            }
        }
    }
}

impl Entropy for Mt19937 {
    /// `random()`.
    fn uniform(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `choice`.
    fn pick(&mut self, n: usize) -> usize {
        self.below(n)
    }

    /// `choices(weights=…)[0]`: the running sums, searched from the right.
    fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .map(|w| {
                sum += w;
                sum
            })
            .collect();
        let x = self.uniform() * sum;
        sums[..sums.len() - 1].partition_point(|s| *s <= x)
    }

    /// `sample(items, len(items))`: the method with a pool, which CPython takes whenever all items are drawn.
    fn permute<T: Copy>(&mut self, items: &mut [T]) {
        let mut pool = items.to_vec();
        let n = items.len();
        for (i, item) in items.iter_mut().enumerate() {
            let j = self.below(n - i);
            *item = pool[j];
            pool[j] = pool[n - i - 1];
        }
    }
}
