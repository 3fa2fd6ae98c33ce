//! Pages that a worker keeps as it has written them.

use std::thread;

use crate::host::{Gateway, Request, Store};

const CONFIG: &str = r#"{"client_from": [{"header": "x-api-key"}],
    "limits": {"l": {"rate": "1/d", "burst": 9}}}"#;

fn left(gateway: &Gateway) -> String {
    let answer = gateway.send(&Request::of("a"));
    answer.header("ratelimit").unwrap_or_default().to_owned()
}

/// What another worker does meanwhile.
fn elsewhere(store: Store, work: impl FnOnce(&Gateway) + Send + 'static) {
    let worker = move || work(&Gateway::worker(CONFIG, store).unwrap());
    thread::spawn(worker).join().unwrap();
}

#[test]
fn a_worker_alone_reads_a_clients_page_once() {
    let gateway = Gateway::start(CONFIG).unwrap();
    gateway.reads();
    for left in ["8", "7", "6", "5"] {
        let answer = gateway.send(&Request::of("a"));
        let item = answer.header("ratelimit").unwrap();
        assert!(item.contains(&format!("r={left};")), "{item}");
    }
    assert_eq!(gateway.reads().pages, 1);
}

#[test]
fn what_another_worker_has_charged_is_charged() {
    let gateway = Gateway::start(CONFIG).unwrap();
    for _ in 0..2 {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    elsewhere(gateway.store(), |other| {
        assert!(other.send(&Request::of("a")).passed());
    });
    assert_eq!(left(&gateway), r#""l";r=5;t=345600"#);
}

/// The page is kept with the number that the other one's write has by now.
#[test]
fn what_is_written_between_two_writes_only_costs_a_guess() {
    let gateway = Gateway::start(CONFIG).unwrap();
    assert!(gateway.send(&Request::of("a")).passed());
    gateway.store().before_next_write(|store| {
        elsewhere(store, |other| {
            for client in ["b", "a", "c"] {
                assert!(other.send(&Request::of(client)).passed());
            }
        });
    });
    assert_eq!(left(&gateway), r#""l";r=6;t=259200"#);
    assert_eq!(left(&gateway), r#""l";r=5;t=345600"#);
}

/// A page that says no is read: somebody may have given back what it lacks.
#[test]
fn nobody_is_denied_by_what_is_kept() {
    let gateway = Gateway::start(CONFIG).unwrap();
    for _ in 0..9 {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    gateway.store().overwrite_pages(b"");
    assert_eq!(left(&gateway), r#""l";r=8;t=86400"#);
}

/// There a number that is guessed may be another one's write of the page: here the
/// fourth, which is what Envoy would have given the first.
#[test]
fn a_host_that_numbers_each_key_by_itself_is_asked_each_time() {
    let store = Store::numbered_by_key();
    let gateway = Gateway::worker(CONFIG, store.clone()).unwrap();
    gateway.reads();
    assert!(gateway.send(&Request::of("a")).passed());
    elsewhere(store, |other| {
        for _ in 0..3 {
            assert!(other.send(&Request::of("a")).passed());
        }
    });
    assert_eq!(left(&gateway), r#""l";r=4;t=432000"#);
    assert_eq!(gateway.reads().pages, 2);
}
