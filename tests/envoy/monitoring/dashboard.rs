//! The shipped dashboard: no Grafana is here to show it, so that its queries are run and its
//! panels are read.

use super::read;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) struct Dashboard(Value);

pub(super) struct Query {
    /// As Prometheus is asked for it.
    pub(super) expression: String,
    pub(super) expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// At least one sample above zero.
    Something,
    /// What never happens to a filter that is well.
    Zero,
}

/// What no traffic can bring about.
const ZERO: [&str; 2] = ["tollgate_table_conflicts", "envoy_wasm_vm_reload_"];

impl Dashboard {
    pub(super) fn shipped() -> Self {
        let text = read("envoy/grafana/tollgate.json");
        Self(serde_json::from_str(&text).expect("JSON"))
    }

    /// Every query, with all of the variables chosen.
    pub(super) fn queries(&self) -> Vec<Query> {
        let targets = self
            .panels()
            .iter()
            .filter_map(|panel| panel["targets"].as_array());
        let expressions = targets.flatten().map(|target| text(&target["expr"]));
        expressions
            .map(|expression| Query {
                expression: chosen(expression),
                expected: match ZERO.iter().any(|name| expression.contains(name)) {
                    true => Expected::Zero,
                    false => Expected::Something,
                },
            })
            .collect()
    }

    /// The variables that ask for a label's values: name, expression, label.
    pub(super) fn variables(&self) -> Vec<(String, String, String)> {
        let variables = self.0["templating"]["list"].as_array().expect("variables");
        let queries = variables
            .iter()
            .filter(|variable| variable["type"] == "query");
        let of = |variable: &Value| {
            let query = text(&variable["query"]["query"]);
            assert_eq!(variable["definition"], query);
            let inner = query
                .strip_prefix("label_values(")
                .and_then(|rest| rest.strip_suffix(')'));
            let (expression, label) = inner
                .and_then(|inner| inner.rsplit_once(", "))
                .expect(query);
            (
                text(&variable["name"]).to_owned(),
                chosen(expression),
                label.to_owned(),
            )
        };
        let found: Vec<_> = queries.map(of).collect();
        assert_eq!(found.len(), 3);
        found
    }

    fn panels(&self) -> &[Value] {
        self.0["panels"].as_array().expect("panels")
    }
}

/// An expression as Grafana sends it where all values are chosen.
fn chosen(expression: &str) -> String {
    let expression = expression.replace("$__rate_interval", "1m");
    let expression = ["$instance", "$limit", "$plan"]
        .iter()
        .fold(expression, |expression, variable| {
            expression.replace(variable, ".*")
        });
    assert!(
        !expression.contains('$'),
        "a variable that nobody knows: {expression}"
    );
    expression
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn each_panel_says_what_it_shows_in_what_unit() {
    let dashboard = Dashboard::shipped();
    let (mut ids, mut titles, mut places) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in dashboard.panels() {
        let title = text(&panel["title"]);
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}");
        assert!(titles.insert(title), "{title} twice");
        let place = |field: &str| panel["gridPos"][field].as_u64().expect("a place");
        let (left, top) = (place("x"), place("y"));
        assert!(left + place("w") <= 24, "{title} is too wide");
        for x in left..left + place("w") {
            for y in top..top + place("h") {
                assert!(places.insert((x, y)), "{title} covers another panel");
            }
        }
        match text(&panel["type"]) {
            "row" => continue,
            kind => assert!(["stat", "timeseries"].contains(&kind), "{title}: {kind}"),
        }
        assert!(text(&panel["description"]).ends_with('.'), "{title}");
        let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
        let units = ["reqps", "ops", "percentunit", "µs", "short"];
        assert!(units.contains(&unit), "{title}: {unit}");
        let targets = panel["targets"].as_array().expect("queries");
        assert!(!targets.is_empty(), "{title} asks nothing");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            assert!(!text(&target["legendFormat"]).is_empty(), "{title}");
            let expression = text(&target["expr"]);
            assert!(expression.contains("$instance"), "{title}: of all gateways");
            for (label, variable) in [("_limit_", "$limit"), ("_plan_", "$plan")] {
                let asks = expression.contains(&format!("tollgate{label}"));
                assert_eq!(asks, expression.contains(variable), "{title}: {expression}");
            }
        }
    }
}
