//! A Redis of a test's own, on a socket in a folder of its own.

use crate::ask::{Ask, Reply};
use crate::process::{eventually, Process};
use redis::{Client, Connection, ConnectionLike, FromRedisValue, RedisResult};
use std::cell::RefCell;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tollgate::redis::Call;

/// The script as it is shipped.
pub const SCRIPT: &str = include_str!("../../src/redis/script.lua");

/// The same with a clock that the test sets: the last two arguments, s and µs.
fn with_clock() -> String {
    let time = "redis.call('TIME')";
    assert_eq!(SCRIPT.matches(time).count(), 1, "the clock is read once");
    SCRIPT.replace(
        time,
        "{ table.remove(ARGV, #ARGV - 1), table.remove(ARGV) }",
    )
}

pub struct Redis {
    connection: RefCell<Connection>,
    sha: String,
    // Dropped in this order: the server ends before its folder does.
    _server: Process,
    _folder: TempDir,
}

impl Redis {
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let socket = folder.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no"]);
        command.arg("--unixsocket").arg(&socket);
        let mut server = Process::start("redis-server", folder.path(), &command);
        let client =
            Client::open(format!("redis+unix://{}", socket.display())).expect("an address");
        let connection = eventually(Duration::from_secs(20), || {
            let ended = server.ended();
            assert!(ended.is_none(), "redis-server: {ended:?} (`make setup`?)");
            client.get_connection().ok().filter(ConnectionLike::is_open)
        });
        let mut connection = connection.expect("Redis answers");
        let load = redis::cmd("SCRIPT")
            .arg("LOAD")
            .arg(with_clock())
            .to_owned();
        let sha = load.query(&mut connection).expect("Redis compiles it");
        Self {
            connection: RefCell::new(connection),
            sha,
            _server: server,
            _folder: folder,
        }
    }

    /// Any command, its arguments split at spaces.
    pub fn run<T: FromRedisValue>(&self, line: &str) -> RedisResult<T> {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        self.query(&command)
    }

    pub fn query<T: FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        command.query(&mut *self.connection.borrow_mut())
    }

    /// The script as shipped, on Redis' own clock, with these arguments as they stand.
    pub fn eval(&self, keys: &[&str], args: &[&str]) -> RedisResult<Vec<i64>> {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(keys.len()).arg(keys).arg(args);
        command.query(&mut *self.connection.borrow_mut())
    }

    /// The script at a time of the test's, µs since 1970. A written key then has a TTL that
    /// covers its reset; it is taken away, since the test's clock is not what it runs by.
    pub fn call(&self, now: u64, lease_ms: u64, asks: &[Ask]) -> Reply {
        let mut pipe = redis::pipe();
        let call = pipe.cmd("EVALSHA").arg(&self.sha).arg(asks.len());
        for ask in asks {
            call.arg(&ask.key);
        }
        call.arg(42).arg(lease_ms);
        for ask in asks {
            call.arg(ask.fields());
        }
        call.arg(now / 1_000_000).arg(now % 1_000_000);
        for ask in asks {
            pipe.cmd("PTTL").arg(&ask.key);
            pipe.cmd("PERSIST").arg(&ask.key);
        }
        let mut values: Vec<redis::Value> = pipe
            .query(&mut *self.connection.borrow_mut())
            .expect("a reply");
        let ttls = values.split_off(1);
        let reply = Reply::read(&values[0], asks.len());
        assert_eq!(reply.now, now / 1_000);
        for ((ask, key), ttl) in asks.iter().zip(&reply.keys).zip(ttls.chunks(2)) {
            let ttl = i64::from_redis_value_ref(&ttl[0]).unwrap();
            let slack = if ask.kind == "bucket" { 1_000 } else { 60_000 };
            let is_written = match ask.op {
                "try" => key.allowed,
                "peek" => false,
                _ => reply.allowed,
            };
            if is_written && ttl != -2 {
                // Redis has counted since, so there is no sharp lower bound.
                assert!(
                    (1..=key.reset + slack).contains(&ttl),
                    "{ttl} {ask:?} {key:?}"
                );
                assert!(ttl > key.reset - 5_000, "{ttl} {ask:?} {key:?}");
            }
        }
        reply
    }

    /// The script at a time of the test's, asked and read as the filter does.
    pub fn ask(&self, now: u64, call: &Call) -> tollgate::redis::Reply {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.sha).arg(call.asks.len());
        call.keys().for_each(|key| {
            command.arg(key);
        });
        call.arguments().for_each(|argument| {
            command.arg(argument);
        });
        command.arg(now / 1_000_000).arg(now % 1_000_000);
        let numbers: Vec<i64> = self.query(&command).expect("a reply");
        for key in call.keys() {
            let _: i64 = self.query(redis::cmd("PERSIST").arg(key)).expect("asked");
        }
        tollgate::redis::Reply::read(&numbers, call).expect("the script's")
    }

    pub fn get(&self, key: &str) -> Option<String> {
        self.run(&format!("GET {key}")).expect("a string or none")
    }
}
