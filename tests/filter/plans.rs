//! Which plan a caller is on, and what that changes.

use crate::host::{reply, Gateway, Request};
use tollgate::limit::Answer as Said;

const PLAN_CLAIM: [&str; 5] = [
    "metadata",
    "filter_metadata",
    "envoy.filters.http.jwt_authn",
    "jwt_payload",
    "plan",
];

const CLIENTS: &str = r#""clients": {"free-key": {}, "pro-key": {"plan": "pro"}, "bad-key": {"plan": "suspended"},
    "big-key": {"plan": "big"}}"#;

const PLANS: &str = r#""plans": {"pro": {"rpm": {"rate": "60/m"}, "weekly": {"quota": 50}},
    "suspended": {"rpm": "blocked"}, "big": {"rpm": "unlimited", "weekly": "unlimited"}}"#;

const LIMITS: &str = r#""limits": {"rpm": {"rate": "6/m"}, "weekly": {"quota": 8, "per": "week"}}"#;

fn config(more: &str) -> String {
    format!(r#"{{"client_from": [{{"header": "x-api-key"}}], {LIMITS}, {PLANS}, {CLIENTS}{more}}}"#)
}

fn gateway(more: &str) -> Gateway {
    Gateway::start(&config(more)).unwrap()
}

fn passed(gateway: &Gateway, request: &Request) -> usize {
    (0..100)
        .take_while(|_| gateway.send(request).passed())
        .count()
}

#[test]
fn each_plan_has_its_own_numbers() {
    let gateway = gateway("");
    let free = gateway.send(&Request::of("free-key"));
    let policy = r#""rpm";q=6;w=60, "weekly";q=8;w=604800"#;
    assert_eq!(free.header("ratelimit-policy"), Some(policy));
    assert_eq!(
        gateway
            .send(&Request::of("nobody"))
            .header("ratelimit-policy"),
        Some(policy)
    );
    let pro = gateway.send(&Request::of("pro-key"));
    let policy = r#""rpm";q=60;w=60, "weekly";q=50;w=604800"#;
    assert_eq!(pro.header("ratelimit-policy"), Some(policy));
    assert_eq!(passed(&gateway, &Request::of("free-key")), 5);
    assert_eq!(passed(&gateway, &Request::of("pro-key")), 49);
    for (plan, allowed, denied) in [("pro", 50, 1), ("big", 0, 0)] {
        let count = |what: &str| gateway.counter(&format!("tollgate.plan.{plan}.{what}"));
        assert_eq!((count("allowed"), count("denied")), (allowed, denied));
    }
}

#[test]
fn an_unlimited_plan_counts_nothing_and_a_blocked_one_denies_all() {
    let gateway = gateway("");
    let big = gateway.send(&Request::of("big-key").upstream("ratelimit", "x"));
    assert!(big.passed());
    assert_eq!(
        (big.header("ratelimit"), big.header("ratelimit-policy")),
        (None, None)
    );
    assert_eq!(passed(&gateway, &Request::of("big-key")), 100);
    assert_eq!(gateway.counter("tollgate.limit.rpm.allowed"), 0);
    for _ in 0..3 {
        let denied = gateway.send(&Request::of("bad-key"));
        assert_eq!((denied.status, &*denied.details), (429, "tollgate_rpm"));
        assert_eq!(denied.header("ratelimit-policy"), Some(r#""rpm";q=0"#));
        assert_eq!(denied.header("ratelimit"), Some(r#""rpm";r=0"#));
        assert!(
            denied.body.contains(r#""violated-policies":["rpm"]"#),
            "{}",
            denied.body
        );
    }
    assert_eq!(gateway.counter("tollgate.plan.suspended.denied"), 3);
}

/// By a claim that Envoy has verified, where the table says nothing.
#[test]
fn a_claim_says_the_plan_of_an_unlisted_client() {
    let gateway = gateway(r#", "plan_from": [{"jwt_claim": "plan"}]"#);
    let claims = |key: &str, plan: &str| Request::of(key).attribute(&PLAN_CLAIM, plan);
    let policy = |request: &Request| {
        gateway
            .send(request)
            .header("ratelimit-policy")
            .map(str::to_owned)
    };
    let pro = policy(&Request::of("pro-key"));
    assert_eq!(policy(&claims("x", "pro")), pro);
    // Merely known: the claim decides.
    assert_eq!(policy(&claims("free-key", "pro")), pro);
    assert_eq!(
        policy(&claims("pro-key", "suspended")),
        pro,
        "the table goes first"
    );
    assert_eq!(gateway.counter("tollgate.plans.unknown"), 0);
    assert_eq!(policy(&claims("y", "gold")), policy(&Request::of("y")));
    assert_eq!(gateway.counter("tollgate.plans.unknown"), 1);
    assert_eq!(gateway.send(&claims("y", "suspended")).status, 429);
    let forged = Request::of("z")
        .header("plan", "big")
        .header("x-plan", "big");
    assert!(policy(&forged).unwrap().contains("q=6"));
}

/// Identity providers say `null` of what they have nothing to say of. That is no
/// plan and no client, and no reason to refuse every request of that user.
#[test]
fn a_claim_that_is_null_says_nothing() {
    let gateway = gateway(r#", "plan_from": [{"jwt_claim": "plan"}, {"constant": "pro"}]"#);
    let null = Request::of("x").null_attribute(&PLAN_CLAIM);
    let answer = gateway.send(&null);
    assert!(answer.passed(), "{}", answer.body);
    let pro = gateway.send(&Request::of("pro-key"));
    let policy = pro.header("ratelimit-policy");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    assert_eq!(gateway.counter("tollgate.plans.unknown"), 0);
    assert_eq!(gateway.counter("tollgate.table.conflicts"), 0);

    let config = format!(
        r#"{{"client_from": [{{"jwt_claim": "plan"}}, {{"header": "x-api-key"}}], {LIMITS}}}"#
    );
    let gateway = Gateway::start(&config).unwrap();
    assert_eq!(passed(&gateway, &null), 6);
    assert_eq!(passed(&gateway, &Request::of("x")), 0, "the same client");
}

#[test]
fn a_constant_is_the_plan_of_all_others() {
    let gateway = gateway(r#", "plan_from": [{"jwt_claim": "plan"}, {"constant": "suspended"}]"#);
    assert_eq!(gateway.send(&Request::of("x")).status, 429);
    assert_eq!(gateway.send(&Request::get("/")).status, 429);
    assert!(gateway.send(&Request::of("pro-key")).passed());
}

/// What a client has spent goes along: moved to a larger plan, it has the rest of that.
#[test]
fn a_client_that_changes_its_plan_keeps_what_it_has_spent() {
    let gateway = gateway(r#", "plan_from": [{"jwt_claim": "plan"}]"#);
    let a = Request::of("a");
    assert_eq!(passed(&gateway, &a), 6);
    let pro = a.clone().attribute(&PLAN_CLAIM, "pro");
    let answer = gateway.send(&pro);
    assert_eq!(
        answer.header("ratelimit"),
        Some(r#""weekly";r=43;t=345600"#)
    );
    assert_eq!(
        passed(&gateway, &pro),
        43,
        "fifty of the week, seven of them spent"
    );
    assert_eq!(gateway.send(&a).status, 429);
}

#[test]
fn changed_values_apply_at_once_and_keep_the_state() {
    let mut gateway = gateway("");
    let pro = Request::of("pro-key");
    for _ in 0..20 {
        assert!(gateway.send(&pro).passed());
    }
    let larger = config("").replace(r#""quota": 50"#, r#""quota": 30"#);
    gateway.update(&larger).unwrap();
    assert_eq!(passed(&gateway, &pro), 10);
}

/// A plan is the caller's: it holds for limits that find their clients otherwise too.
#[test]
fn a_plan_holds_for_limits_with_sources_of_their_own() {
    let json = r#"{"client_from": [{"header": "x-api-key"}],
        "limits": {"rpm": {"rate": "9/m"}, "ip": {"rate": "2/m", "client_from": [{"ip": {}}]}},
        "plans": {"pro": {"ip": {"rate": "4/m"}}}, "clients": {"pro-key": {"plan": "pro"}}}"#;
    let gateway = Gateway::start(json).unwrap();
    assert_eq!(passed(&gateway, &Request::of("a")), 2);
    assert_eq!(
        passed(&gateway, &Request::of("pro-key")),
        2,
        "two of four are spent"
    );
    assert_eq!(gateway.send(&Request::of("b")).status, 429);
}

/// Two keys might be on two plans.
#[test]
fn a_request_that_names_two_callers_is_refused() {
    let json = r#"{"client_from": [{"header": "x-api-key"}],
        "limits": {"ip": {"rate": "2/m", "client_from": [{"ip": {}}]}},
        "plans": {"pro": {"ip": {"rate": "4/m"}}}, "clients": {"pro-key": {"plan": "pro"}}}"#;
    let two = Request::of("a").header("x-api-key", "pro-key");
    let gateway = Gateway::start(json).unwrap();
    assert_eq!(gateway.send(&two).status, 400);
    assert!(
        gateway.send(&Request::get("/")).passed(),
        "nobody has no plan"
    );
}

#[test]
fn a_shadowed_plan_is_not_enforced() {
    let json = r#"{"client_from": [{"header": "x-api-key"}], "limits": {"rpm": {"rate": "1/m"}},
        "plans": {"trial": {"rpm": {"mode": "shadow"}}}, "clients": {"k": {"plan": "trial"}}}"#;
    let gateway = Gateway::start(json).unwrap();
    assert_eq!(passed(&gateway, &Request::of("k")), 100);
    assert_eq!(gateway.counter("tollgate.limit.rpm.shadow_denied"), 99);
    assert_eq!(passed(&gateway, &Request::of("other")), 1);
}

#[test]
fn a_status_tells_the_plan() {
    let gateway = gateway(r#", "status": {"path": "/ratelimit"}"#);
    let ask = |key: &str| {
        gateway
            .send(&Request::of(key).with(":path", "/ratelimit"))
            .body
    };
    assert!(ask("pro-key").starts_with(
        r#"{"plan":"pro","limits":[{"name":"rpm","unit":"requests","limit":60,"remaining":60,"#
    ));
    assert!(ask("free-key").starts_with(r#"{"plan":null,"#));
    assert_eq!(ask("big-key"), r#"{"plan":"big","limits":[]}"#);
    assert!(ask("bad-key").contains("You can send no requests on this plan."));
}

/// Redis knows a client's state by the limit's name; what it denied of one plan is not
/// what it would deny of another.
#[test]
fn a_denial_of_one_plan_is_not_believed_of_another() {
    let json = r#"{"client_from": [{"header": "x-api-key"}],
        "limits": {"l": {"rate": "6/m", "scope": "cluster"}}, "plans": {"pro": {"l": {"rate": "60/m"}}},
        "plan_from": [{"jwt_claim": "plan"}],
        "redis": {"upstream": "redis", "bridge": "upstash", "on_failure": "deny"}}"#;
    let gateway = Gateway::start(json).unwrap();
    let pending = gateway.begin(&Request::of("a")).asks();
    let key = pending.call().keys();
    let denied = Said::Denied {
        remaining: 0,
        retry_after: 9_000_000_000.try_into().ok(),
    };
    let response = reply(pending.call(), &[denied]);
    assert_eq!(pending.answer(response).done().status, 429);
    assert_eq!(gateway.send(&Request::of("a")).status, 429, "from memory");
    let pro = Request::of("a").attribute(&PLAN_CLAIM, "pro");
    let pending = gateway.begin(&pro).asks();
    assert_eq!(pending.call().keys(), key);
    assert_eq!(&pending.call().arguments()[4..6], ["60", "1000000000"]);
}

/// Whoever is stopped is stopped, also where the limit is only tried on others.
#[test]
fn a_blocked_client_is_denied_by_a_limit_in_shadow_too() {
    for mode in ["shadow", "tag"] {
        let json = format!(
            r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{"l": {{"rate": "9/m", "mode": "{mode}"}}}},
                "plans": {{"stopped": {{"l": "blocked"}}}}, "clients": {{"k": {{"plan": "stopped"}}}}}}"#
        );
        let gateway = Gateway::start(&json).unwrap();
        assert_eq!(gateway.send(&Request::of("k")).status, 429);
        assert!(gateway.send(&Request::of("other")).passed());
    }
}
/// A denial on one plan once cut what was spent down to its burst, and the other plan had the
/// rest again: without a key from the same address, or with a token of before an upgrade.
#[test]
fn a_client_that_is_on_two_plans_by_turns_refills_nothing() {
    for (what, limits, other) in [
        (
            "own sources",
            r#""ip": {"rate": "2/d", "client_from": [{"ip": {}}]}"#,
            Request::of("nobody"),
        ),
        (
            "an old token",
            r#""ip": {"rate": "2/d"}"#,
            Request::of("pro-key").attribute(&PLAN_CLAIM, "free"),
        ),
    ] {
        let json = format!(
            r#"{{"client_from": [{{"header": "x-api-key"}}],
            "limits": {{{limits}}}, "plan_from": [{{"jwt_claim": "plan"}}],
            "plans": {{"pro": {{"ip": {{"rate": "100/d"}}}}, "free": {{}}}}}}"#
        );
        let gateway = Gateway::start(&json).unwrap();
        let pro = Request::of("pro-key").attribute(&PLAN_CLAIM, "pro");
        let mut all = 0;
        for _ in 0..5 {
            all += passed(&gateway, &pro);
            all += passed(&gateway, &other);
        }
        assert_eq!(all, 100, "{what}");
    }
}
