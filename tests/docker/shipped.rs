//! `make docker`, from its secrets to its end.

use crate::bundle::{api, published, Bundle, GATEWAYS, STATS};
use crate::engine::Engine;
use crate::harness::{eventually, promptly, Answer, Client};
use crate::{images, outages};
use serde_json::Value;
use std::net::TcpStream;
use std::time::Duration;

/// One test: the engine and its images take most of its time.
#[test]
fn the_bundle_serves_counts_and_heals() {
    let Some(engine) = Engine::start_or_say() else {
        return;
    };
    images::build(&engine);

    let bundle = Bundle::up(&engine, "cluster");
    outages::assert_both_serve(&bundle);
    one_budget_through_both(&bundle);
    clients_do_not_choose_their_address(&bundle);
    prometheus_sees_both(&bundle);
    nobody_sees_more_than_counters(&bundle);
    no_process_has_privileges(&bundle);
    no_secret_is_to_be_seen(&bundle);
    outages::redis_may_be_gone(&bundle);
    outages::a_gateway_may_be_gone(&bundle);
    outages::each_may_crash(&bundle);
    bundle.down();

    let bundle = Bundle::up(&engine, "local");
    let names = "api front gateway-local grafana prometheus";
    let names = names.split(' ').map(|name| format!("tollgate-{name}-1"));
    assert!(bundle.containers().into_iter().eq(names));
    let passed = promptly(|name| passed(|_| api().chat(name).status));
    assert_eq!(passed, 10, "the burst of one gateway");
    no_process_has_privileges(&bundle);
    bundle.down();
}

/// How many of twelve requests passed; nothing but 200 and 429 is expected.
fn passed(mut ask: impl FnMut(usize) -> u16) -> usize {
    let statuses: Vec<u16> = (0..12).map(&mut ask).collect();
    let denied = statuses.iter().filter(|status| **status == 429).count();
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(passed + denied, 12, "{statuses:?}");
    passed
}

fn one_budget_through_both(bundle: &Bundle<'_>) {
    // A call to Redis may take longer than the shipped 50 ms on a busy machine, and is then
    // decided without: hence several turns. Two budgets would never deny one of twelve.
    let one = (0..5).any(|turn| {
        // The limit by address has refilled.
        std::thread::sleep(Duration::from_secs(1));
        let answers: Vec<_> = (0..12)
            .map(|_| api().chat(&format!("alice-{turn}")))
            .collect();
        answers.iter().filter(|answer| answer.status == 200).count() == 10
            && answers
                .iter()
                .filter(|answer| denied_by_rpm(answer))
                .count()
                == 2
    });
    assert!(one, "no one budget of 10");
    std::thread::sleep(Duration::from_secs(1));
    let allowed = api().chat("bob");
    let policy = allowed.header("ratelimit-policy").expect("a policy");
    assert!(policy.starts_with(r#""rpm";q=10;w=40"#), "{policy}");
    let denied = (0..12)
        .map(|_| api().chat("bob"))
        .find(|answer| answer.status == 429);
    let denied = denied.expect("a 429");
    assert!(denied.header("retry-after").is_some());
    assert!(denied_by_rpm(&denied), "{}", denied.text());
    for gateway in GATEWAYS {
        let line = r#"tollgate_limit_allowed{tollgate_limit="rpm"}"#;
        let allowed = bundle.counters(&[gateway]).sum(line);
        assert!(allowed >= 4, "{gateway} took no part");
    }
}

fn denied_by_rpm(answer: &Answer) -> bool {
    answer.status == 429 && answer.json()["violated-policies"] == serde_json::json!(["rpm"])
}

fn clients_do_not_choose_their_address(bundle: &Bundle<'_>) {
    let forged = promptly(|_| {
        passed(|turn| {
            let address = format!("9.9.9.{turn}");
            let headers = [("x-forwarded-for", address.as_str())];
            api().post("/v1/chat/completions", &headers, "{}").status
        })
    });
    assert!(
        forged <= 10,
        "each invented address had a budget of its own"
    );
    // Another client is another to the gateways: the front's own address is not what counts.
    let here = api().get("/echo", &[]).json();
    let wget = [
        "exec",
        "tollgate-prometheus-1",
        "wget",
        "-q",
        "-O",
        "-",
        "http://front:10000/echo",
    ];
    let there: Value = serde_json::from_str(&bundle.engine.docker(&wget)).expect("JSON");
    let address = |echo: &Value| echo["headers"]["x-envoy-external-address"].clone();
    assert!(address(&here).is_string(), "{here}");
    assert!(address(&there).is_string(), "{there}");
    assert_ne!(address(&here), address(&there));
}

fn prometheus_sees_both(bundle: &Bundle<'_>) {
    let query = |query: &str| {
        let answer = published(9090).get(&format!("/api/v1/query?query={query}"), &[]);
        let result = answer.json()["data"]["result"].clone();
        result.as_array().expect("a result").clone()
    };
    let seen = eventually(Duration::from_secs(30), || {
        let gateways = query("tollgate_limit_allowed%7Btollgate_limit%3D%22rpm%22%7D%20%3E%200");
        let fronts = query("up%7Bjob%3D%22front%22%7D%20%3D%3D%201");
        (gateways.len() == 2 && fronts.len() == 1).then_some(())
    });
    assert!(
        seen.is_some(),
        "{}",
        bundle.engine.docker(&["logs", "tollgate-prometheus-1"])
    );
    let rules = published(9090).get("/api/v1/rules", &[]).json();
    let rules = rules["data"]["groups"][0]["rules"]
        .as_array()
        .expect("rules")
        .clone();
    assert!(!rules.is_empty());
    assert!(
        rules.iter().all(|rule| rule["health"] != "err"),
        "{rules:?}"
    );
}

fn nobody_sees_more_than_counters(bundle: &Bundle<'_>) {
    let containers = ["tollgate-front-1", GATEWAYS[0], GATEWAYS[1]];
    let addresses = bundle.addresses(&containers);
    assert_eq!(addresses.len(), 3);
    for (container, address) in containers.iter().zip(addresses) {
        let admin = TcpStream::connect((address, 9901));
        assert!(admin.is_err(), "{container}: admin");
        let stats = Client::new((address, 9902).into());
        assert_eq!(stats.get(STATS, &[]).status, 200);
        for path in [
            "/",
            "/config_dump",
            "/stats",
            "/stats/prometheus/../../config_dump",
        ] {
            assert_eq!(stats.get(path, &[]).status, 404, "{container}: {path}");
        }
        for path in ["/quitquitquit", STATS, "/drain_listeners"] {
            assert_eq!(stats.post(path, &[], "").status, 404, "{container}: {path}");
        }
    }
}

/// What the kernel knows of each, whatever the file says.
fn no_process_has_privileges(bundle: &Bundle<'_>) {
    for container in bundle.containers() {
        let status = format!("/proc/{}/status", bundle.pid(&container));
        let status = std::fs::read_to_string(status).expect("a live process");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.expect("the field")
                .split_whitespace()
                .next()
                .expect("a value")
        };
        assert_ne!(field("Uid:"), "0", "{container}");
        assert_eq!(field("NoNewPrivs:"), "1", "{container}");
        for set in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{container} {set}");
        }
        assert_ne!(
            bundle.inspect(&container, "{{.HostConfig.Memory}}"),
            "0",
            "{container}"
        );
    }
}

/// Neither command lines nor what Docker tells of a container has one.
fn no_secret_is_to_be_seen(bundle: &Bundle<'_>) {
    let secrets = ["bridge_token", "redis_password", "grafana_password"].map(|name| {
        let path = bundle.secrets.path().join(name);
        std::fs::read_to_string(path).expect("a secret")
    });
    for container in bundle.containers() {
        let told = bundle.inspect(&container, "{{json .}}");
        let command = format!("/proc/{}/cmdline", bundle.pid(&container));
        let command = std::fs::read(command).expect("a live process");
        let told = told + &String::from_utf8_lossy(&command);
        for secret in &secrets {
            assert!(
                secret.len() == 48 && !told.contains(secret.as_str()),
                "{container}"
            );
        }
    }
}
