//! The workflows of .github: nothing runs them here, so at least what they call is there.

use crate::documents::{files, parse, root};
use serde_json::Value;
use std::fs;

/// Each job of each workflow, as (file, job, workflow's permissions, contents).
fn jobs() -> Vec<(String, String, Value, Value)> {
    let mut jobs = Vec::new();
    for path in files(".github/workflows", "yaml") {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut documents = parse(&file, &fs::read_to_string(&path).unwrap());
        assert_eq!(documents.len(), 1, "{file}");
        let workflow = documents.remove(0).value;
        let permissions = workflow["permissions"].clone();
        for (name, job) in workflow["jobs"].as_object().expect("jobs") {
            jobs.push((file.clone(), name.clone(), permissions.clone(), job.clone()));
        }
    }
    assert_eq!(jobs.len(), 7);
    jobs
}

fn steps(job: &Value) -> &Vec<Value> {
    job["steps"].as_array().expect("steps")
}

#[test]
fn every_target_and_script_that_is_called_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let mut called = Vec::new();
    for (file, name, _, job) in jobs() {
        for run in steps(&job).iter().filter_map(|step| step["run"].as_str()) {
            let words: Vec<&str> = run.split_whitespace().collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "make") {
                let rule = format!("\n{}:", pair[1]);
                assert!(makefile.contains(&rule), "{file}, {name}: make {}", pair[1]);
                called.push(pair[1].to_owned());
            }
            for word in words.iter().filter(|word| word.starts_with("scripts/")) {
                assert!(root().join(word).exists(), "{file}, {name}: {word}");
            }
        }
    }
    called.sort();
    assert_eq!(
        called,
        ["advisories", "dist", "lint", "oci", "test", "test"]
    );
}

/// What the targets themselves call.
#[test]
fn every_script_of_the_makefile_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let setup = fs::read_to_string(root().join("scripts/setup.sh")).unwrap();
    let words: Vec<&str> = makefile
        .split(|letter: char| letter.is_whitespace() || letter == '@')
        .collect();
    let mut scripts = 0;
    for (index, word) in words.iter().enumerate() {
        if !word.starts_with("scripts/") || word.contains('*') {
            continue;
        }
        assert!(root().join(word).exists(), "{word}");
        scripts += 1;
        if *word == "scripts/setup.sh" {
            let job = format!("job_{}()", words[index + 1].replace('-', "_"));
            assert!(setup.contains(&job), "{job}");
        }
    }
    assert!(scripts > 15, "{scripts}");
}

#[test]
fn actions_are_pinned_and_permissions_are_few() {
    for (file, name, by_default, job) in jobs() {
        for uses in steps(&job).iter().filter_map(|step| step["uses"].as_str()) {
            let (_, version) = uses.split_once('@').unwrap_or_else(|| panic!("{uses}"));
            let major = version.strip_prefix('v').is_some_and(|major| {
                !major.is_empty() && major.chars().all(|letter| letter.is_ascii_digit())
            });
            let commit = version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit());
            assert!(major || commit, "{file}, {name}: {uses}");
        }
        assert!(
            job["timeout-minutes"].is_u64(),
            "{file}, {name}: no timeout"
        );
        // GitHub's own default may be to write.
        let own = job.get("permissions").unwrap_or(&by_default);
        let own = own.as_object();
        let own = own.unwrap_or_else(|| panic!("{file}, {name}: no permissions"));
        let releases = file == "release.yaml" && name == "release";
        for (of, may) in own {
            let few = may == "read" || (releases && of == "contents");
            assert!(few, "{file}, {name}: {of}: {may}");
        }
    }
}
