//! Which limits a request meets.

use crate::host::{Gateway, Request};

/// A gateway with one limited route and a free rest; whether each request was
/// limited.
fn limited(matcher: &str, requests: &[Request]) -> Vec<bool> {
    let config = format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"l": {{"rate": "1/d", "burst": 99}}}},
            "routes": [{{"match": {matcher}, "limits": ["l"]}}, {{"match": {{}}, "limits": []}}]}}"#
    );
    let gateway = Gateway::start(&config).unwrap();
    let is_limited = |request| gateway.send(request).header("ratelimit").is_some();
    requests.iter().map(is_limited).collect()
}

fn by_path(matcher: &str, paths: &[&str]) -> Vec<bool> {
    let requests: Vec<Request> = paths.iter().map(|path| Request::get(path)).collect();
    limited(matcher, &requests)
}

const SPELLINGS: [&str; 14] = [
    "/v1/chat/completions",
    "/v1/chat/completions/",
    "/v1/chat/completions?x=/../y",
    "/v1/chat/completions#x",
    "//v1///chat//completions",
    "/v1/%63hat/completions",
    "/v1/%63%68%61%74/completion%73",
    "/v1/./chat/completions/.",
    "/v1/x/../chat/completions",
    "/v1/x/%2e%2E/chat/completions",
    "/../../v1/chat/completions",
    "/v1/chat/completions/x/..",
    "/v1/%2E/chat/completions",
    "/v1/chat/completions?",
];

#[test]
fn no_spelling_leaves_a_limited_route() {
    for matcher in [
        r#"{"path": "/v1/chat/completions"}"#,
        r#"{"path": "/v1/chat/completions/"}"#,
        r#"{"path": "/v1/{what}/completions"}"#,
        r#"{"path": "/v1/c{what}t/completions"}"#,
        r#"{"path": "/v1/{rest=**}"}"#,
        r#"{"prefix": "/v1/"}"#,
        r#"{"prefix": "/v1/chat"}"#,
        r#"{"prefix": "/v1/chat/completions/"}"#,
    ] {
        let limited = by_path(matcher, &SPELLINGS);
        for (spelling, limited) in SPELLINGS.iter().zip(limited) {
            assert!(limited, "{spelling} left {matcher}");
        }
    }
}

#[test]
fn a_path_is_not_its_neighbour() {
    let others = [
        "/v1/chat",
        "/v1/chat/completions2",
        "/v1/chat/completions/x",
        "/V1/chat/completions",
        "/v1%252Fchat",
        "/",
    ];
    assert_eq!(
        by_path(r#"{"path": "/v1/chat/completions"}"#, &others),
        [false; 6]
    );
}

#[test]
fn prefixes_end_at_a_segment_where_they_say_so() {
    let paths = ["/wing", "/wing/", "/wing/a", "/wings", "/win"];
    assert_eq!(
        by_path(r#"{"prefix": "/wing/"}"#, &paths),
        [true, true, true, false, false]
    );
    assert_eq!(
        by_path(r#"{"prefix": "/wing"}"#, &paths),
        [true, true, true, true, false]
    );
    assert_eq!(by_path(r#"{"prefix": "/"}"#, &paths), [true; 5]);
}

#[test]
fn a_variable_is_one_segment_or_a_part_of_one() {
    let paths = ["/m/a/infer", "/m//infer", "/m/a/b/infer", "/m/a/infer/x"];
    assert_eq!(
        by_path(r#"{"path": "/m/{model}/infer"}"#, &paths),
        [true, false, false, false]
    );
    let paths = ["/m/a:predict", "/m/:predict", "/m/a:predic", "/m/a"];
    assert_eq!(
        by_path(r#"{"path": "/m/{model}:predict"}"#, &paths),
        [true, false, false, false]
    );
}

/// What two readers may read differently reaches the last route only.
#[test]
fn an_ambiguous_path_fits_the_last_route_only() {
    for path in [
        "/v1%2Fchat",
        "/v1%2fchat",
        "/v1%5Cchat",
        "/v1\\chat",
        "/v1/%00",
        "*",
        "",
        "/v1//../chat",
        "/v1/a//./../chat",
        "/free/..;/v1/chat",
        "/free/.;x/v1/chat",
    ] {
        let config = r#"{"client_from": [{"ip": {}}],
            "limits": {"all": {"rate": "1/d", "burst": 9}, "rest": {"rate": "1/d", "burst": 9}},
            "routes": [{"match": {"prefix": "/"}, "limits": ["all"]},
                       {"match": {"methods": ["GET"]}, "limits": ["all"]},
                       {"match": {}, "limits": ["rest"]}]}"#;
        let answer = Gateway::start(config).unwrap().send(&Request::get(path));
        assert!(
            answer.header("ratelimit").unwrap().contains("rest"),
            "{path}"
        );
    }
}

#[test]
fn a_free_route_takes_only_the_normal_form() {
    let config = r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/d", "burst": 99}},
        "routes": [{"match": {"prefix": "/free"}, "limits": []}, {"match": {}, "limits": ["l"]}]}"#;
    let gateway = Gateway::start(config).unwrap();
    let free = |path: &str| {
        gateway
            .send(&Request::get(path))
            .header("ratelimit")
            .is_none()
    };
    assert!(free("/free") && free("/free/a?b=%2F") && free("/free/.hidden"));
    for path in [
        "/free/",
        "//free",
        "/%66ree",
        "/x/../free",
        "/free/./x",
        "/free/%2e%2e/v1",
        "/free/..;/v1/chat",
        "/free/a;b",
        "/free/%u002e%u002e/v1",
        "/free%2F",
    ] {
        assert!(!free(path), "{path}");
    }
}

#[test]
fn get_includes_head_and_methods_are_exact() {
    let requests =
        ["GET", "HEAD", "POST", "get"].map(|method| Request::get("/").with(":method", method));
    assert_eq!(
        limited(r#"{"methods": ["GET"]}"#, &requests),
        [true, true, false, false]
    );
    assert_eq!(
        limited(r#"{"methods": ["POST", "HEAD"]}"#, &requests),
        [false, true, true, false]
    );
}

#[test]
fn a_host_is_matched_without_port_case_or_final_dot() {
    let hosts = [
        "api.example.com",
        "API.Example.COM",
        "api.example.com:8443",
        "api.example.com.",
        "api.example.com.:80",
        "u@api.example.com",
        "example.com",
        "xapi.example.com",
        "a.api.example.com",
        ".example.com",
    ];
    let requests = hosts.map(|host| Request::get("/").with(":authority", host));
    assert_eq!(
        limited(r#"{"host": "Api.example.com"}"#, &requests),
        [true, true, true, true, true, true, false, false, false, false]
    );
    assert_eq!(
        limited(r#"{"host": "*.example.com"}"#, &requests),
        [true, true, true, true, true, true, false, true, true, false]
    );
    let address = [
        Request::get("/").with(":authority", "[::1]:80"),
        Request::get("/").with(":authority", "[::1]"),
    ];
    assert_eq!(limited(r#"{"host": "[::1]"}"#, &address), [true, true]);
}

#[test]
fn one_fitting_line_of_a_header_is_limited_and_all_must_fit_to_be_free() {
    let tier = |lines: &[&str]| {
        lines.iter().fold(Request::get("/"), |request, line| {
            request.header("x-tier", line)
        })
    };
    let requests = [
        tier(&["free"]),
        tier(&["paid", "free"]),
        tier(&["paid"]),
        tier(&[]),
    ];
    assert_eq!(
        limited(r#"{"headers": {"X-Tier": "free"}}"#, &requests),
        [true, true, false, false]
    );

    let config = r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/d", "burst": 99}},
        "routes": [{"match": {"headers": {"x-tier": "paid"}}, "limits": []}, {"match": {}, "limits": ["l"]}]}"#;
    let gateway = Gateway::start(config).unwrap();
    let free = requests.map(|request| gateway.send(&request).header("ratelimit").is_none());
    assert_eq!(free, [false, false, true, false]);
}

#[test]
fn envoys_own_route_may_choose() {
    let name = |name: &str| Request::get("/").attribute(&["xds", "route_name"], name);
    assert_eq!(
        limited(
            r#"{"route_name": "chat"}"#,
            &[name("chat"), name("chats"), Request::get("/")]
        ),
        [true, false, false]
    );
    let path = [
        "xds",
        "route_metadata",
        "filter_metadata",
        "tollgate",
        "route",
    ];
    let chosen = Request::get("/").attribute(&path, "chat");
    assert_eq!(
        limited(
            r#"{"route_metadata": "chat"}"#,
            &[chosen, Request::get("/")]
        ),
        [true, false]
    );
}
