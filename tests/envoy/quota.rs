//! Calendar quotas on the real clock: a period ends when the wall clock says so, and
//! `Retry-After` reaches into the next one, not past its beginning.

use crate::harness::{direct_response, eventually, Answer, Client, Envoy, EnvoyOptions};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn start(config: &str, lds: bool) -> Envoy {
    Envoy::start(EnvoyOptions {
        config: Some(config.to_owned()),
        edits: vec![direct_response()],
        lds,
        ..EnvoyOptions::default()
    })
}

fn ask(envoy: &Envoy, key: &str) -> Answer {
    // A connection of its own: those of before may belong to the listener of before.
    Client::new(envoy.address()).get("/", &[("x-api-key", key)])
}

fn number(answer: &Answer, name: &str) -> u64 {
    let value = answer.header(name).unwrap_or_else(|| panic!("no {name}"));
    value.parse().expect("a number")
}

/// Since 1970.
fn clock() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock later than 1970")
}

/// Until the wall clock says so.
fn sleep_until(time: Duration) {
    while let Some(rest) = time.checked_sub(clock()) {
        thread::sleep(rest.max(Duration::from_millis(1)));
    }
}

/// Of a period of so many seconds that is shifted by so many, the end of the current one.
fn end_of_period(seconds: u64, offset: u64) -> Duration {
    let into = (clock().as_secs() - offset) % seconds;
    Duration::from_secs(clock().as_secs() - into + seconds)
}

#[test]
fn the_wait_reaches_exactly_into_the_next_period() {
    let config = r#"{
      "client_from": [{"header": "x-api-key"}],
      "limits": {
        "two": {"quota": 3, "per": "2s"},
        "five": {"quota": 3, "per": "5s", "offset": "-3s"}
      },
      "routes": [{"match": {"headers": {"x-api-key": "two"}}, "limits": ["two"]}, {"match": {}, "limits": ["five"]}]
    }"#;
    let envoy = &start(config, false);
    thread::scope(|scope| {
        scope.spawn(|| waits_for_the_period(envoy, "two", 2, 0));
        // Three seconds earlier is two seconds later.
        scope.spawn(|| waits_for_the_period(envoy, "five", 5, 2));
    });
    envoy.assert_vm_lives();
}

fn waits_for_the_period(envoy: &Envoy, key: &str, period: u64, offset: u64) {
    let prove = || {
        let end = end_of_period(period, offset);
        sleep_until(end);
        let end = end + Duration::from_secs(period);
        let passed = [(); 3].map(|()| ask(envoy, key));
        let before = clock();
        let denied = ask(envoy, key);
        let after = clock();
        // On a busy machine that may have taken longer than the whole seconds below allow.
        let left = end.checked_sub(after)?;
        if left.as_secs() + 1 < period {
            return None;
        }
        assert_eq!(passed.each_ref().map(|answer| answer.status), [200; 3]);
        let remaining = format!(r#""{key}";r=2;t={period}"#);
        assert_eq!(passed[0].header("ratelimit"), Some(&*remaining));
        assert_eq!(denied.status, 429);

        // Rounded up, what it says reaches the end from the moment it was decided at.
        let ms = number(&denied, "retry-after-ms");
        let wait = Duration::from_millis(ms);
        assert!(after + wait >= end, "{ms} ms are too short");
        let rounded = Duration::from_millis(2);
        assert!(before + wait < end + rounded, "{ms} ms are too long");
        assert_eq!(number(&denied, "retry-after"), ms.div_ceil(1000));
        let standing = format!(r#""{key}";r=0;t={}"#, ms.div_ceil(1000));
        assert_eq!(denied.header("ratelimit"), Some(&*standing));

        // Just before the end it is still denied.
        thread::sleep(left.saturating_sub(Duration::from_millis(150)));
        let denied = ask(envoy, key);
        if clock() < end {
            assert_eq!(denied.status, 429, "a period has ended early");
        }
        sleep_until(end);
        let answer = ask(envoy, key);
        assert_eq!(answer.status, 200, "the next period has not begun");
        Some(())
    };
    assert!(
        (0..20).any(|_| prove().is_some()),
        "this machine is too busy"
    );
}

/// Ten years a period: the next one begins in 2029.
#[test]
fn a_new_quota_applies_at_once_and_keeps_what_was_used() {
    let config = |quota: u32| {
        format!(
            r#"{{"client_from": [{{"header": "x-api-key"}}],
              "limits": {{"used": {{"quota": {quota}, "per": "3650d"}}}}}}"#
        )
    };
    let mut envoy = start(&config(3), true);
    let statuses = |envoy: &Envoy| [(); 4].map(|()| ask(envoy, "alice").status);
    assert_eq!(statuses(&envoy), [200, 200, 200, 429]);
    for (quota, expected) in [
        (5, [200, 200, 429, 429]),
        // Fewer than were used: none, and no debt either.
        (2, [429; 4]),
        (6, [200, 429, 429, 429]),
    ] {
        assert!(envoy.update(&config(quota)), "{}", envoy.log());
        let shows = format!(r#""used";q={quota};"#);
        let mut others = 0;
        let applied = eventually(Duration::from_secs(30), || {
            let all = (0..8).all(|_| {
                others += 1;
                let answer = ask(&envoy, &format!("other-{quota}-{others}"));
                let policy = answer.header("ratelimit-policy");
                policy.is_some_and(|policy| policy.starts_with(&shows))
            });
            all.then_some(())
        });
        assert!(applied.is_some(), "{quota} never shows");
        assert_eq!(statuses(&envoy), expected, "{quota}");
    }
    envoy.assert_vm_lives();
}
