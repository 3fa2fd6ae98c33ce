//! What the script is asked, and its answer.

use redis::{FromRedisValue, Value};

/// One key's ten fields.
#[derive(Debug, Clone)]
pub struct Ask {
    pub key: String,
    pub kind: &'static str,
    pub op: &'static str,
    pub size: u32,
    pub period: u64,
    pub offset: i64,
    pub amount: i64,
    pub least: u32,
    pub generation: u64,
    pub held: u64,
    pub unspent: u64,
    pub fill: u64,
}

impl Ask {
    pub fn bucket(key: &str, burst: u32, interval: u64, debt: i64) -> Self {
        Self {
            key: key.to_owned(),
            kind: "bucket",
            op: "peek",
            size: burst,
            period: interval,
            offset: debt,
            amount: 0,
            least: 0,
            generation: 0,
            held: 0,
            unspent: 0,
            fill: 0,
        }
    }

    pub fn window(key: &str, quota: u32, seconds: u64, offset: i64) -> Self {
        Self {
            kind: "window",
            ..Self::bucket(key, quota, seconds, offset)
        }
    }

    pub fn month(key: &str, quota: u32, offset: i64) -> Self {
        Self {
            kind: "month",
            ..Self::bucket(key, quota, 0, offset)
        }
    }

    pub fn op(&self, op: &'static str, amount: i64) -> Self {
        Self {
            op,
            amount,
            ..self.clone()
        }
    }

    pub fn fields(&self) -> Vec<String> {
        let numbers = [
            i64::from(self.size),
            self.period as i64,
            self.offset,
            self.amount,
            i64::from(self.least),
            self.generation as i64,
            self.held as i64,
            self.unspent as i64,
            self.fill as i64,
        ];
        let words = [self.kind.to_owned(), self.op.to_owned()];
        words
            .into_iter()
            .chain(numbers.iter().map(i64::to_string))
            .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// ms.
    pub now: u64,
    pub allowed: bool,
    pub keys: Vec<Key>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub allowed: bool,
    pub remaining: i64,
    /// ms; -1 is never.
    pub retry: i64,
    /// ms.
    pub reset: i64,
    pub granted: i64,
    pub generation: i64,
}

impl Reply {
    pub fn read(value: &Value, keys: usize) -> Self {
        let numbers =
            Vec::<i64>::from_redis_value_ref(value).unwrap_or_else(|_| panic!("{value:?}"));
        Self::of(&numbers, keys)
    }

    pub fn of(numbers: &[i64], keys: usize) -> Self {
        assert_eq!(numbers.len(), 5 + 6 * keys);
        assert_eq!((numbers[0], numbers[1]), (1, 42), "version and nonce");
        assert_eq!(numbers[4], keys as i64);
        assert!(
            numbers
                .iter()
                .all(|n| (-1..100_000_000_000_000).contains(n)),
            "{numbers:?}"
        );
        let key = |part: &[i64]| Key {
            allowed: part[0] == 1,
            remaining: part[1],
            retry: part[2],
            reset: part[3],
            granted: part[4],
            generation: part[5],
        };
        Self {
            now: numbers[2] as u64,
            allowed: numbers[3] == 1,
            keys: numbers[5..].chunks(6).map(key).collect(),
        }
    }
}
