//! The forms for issues, as far as GitHub would refuse one: it says so only when somebody
//! wants to report something.

use crate::page::{read, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_form_is_one_that_github_takes() {
    let entries = fs::read_dir(root().join(".github/ISSUE_TEMPLATE")).expect("the forms");
    let mut forms = 0;
    for entry in entries {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("a name");
        let form: Value =
            serde_norway::from_str(&read(&format!(".github/ISSUE_TEMPLATE/{name}"))).expect(name);
        for needed in ["name", "description"] {
            assert!(form[needed].is_string(), "{name}: no {needed}");
        }
        let mut ids = BTreeSet::new();
        for part in form["body"].as_array().expect(name) {
            let kind = part["type"].as_str().expect("a type");
            let shown = match kind {
                "markdown" => "value",
                "input" | "textarea" => "label",
                other => panic!("{name}: {other}"),
            };
            assert!(part["attributes"][shown].is_string(), "{name}: {part}");
            if kind != "markdown" {
                let id = part["id"].as_str().expect("an id");
                assert!(ids.insert(id.to_owned()), "{name}: {id} is there twice");
            }
        }
        assert!(!ids.is_empty(), "{name} asks for nothing");
        forms += 1;
    }
    assert_eq!(forms, 2);
}
