//! What stands in backticks and looks like a file of this repository, or like one of its
//! targets, is one.

use crate::makefile::targets;
use crate::page::{pages, read, root, Page};
use std::path::{Path, PathBuf};

/// What git ignores is made by a build or a start, so that a fresh clone has none of it.
fn is_made(path: &str) -> bool {
    let ignored = read(".gitignore");
    let mut ignored = ignored.lines().map(|line| line.trim_matches('/'));
    ignored.any(|made| Path::new(path).starts_with(made))
}

/// Where a path may begin: at the repository's root, beside the page, in `src/`, whose rooms
/// the design calls by their names, and in `envoy/examples/`, from where the README's table
/// of tasks counts.
fn beginnings(page: &Page) -> [PathBuf; 4] {
    [
        root().to_owned(),
        page.folder(),
        root().join("src"),
        root().join("envoy/examples"),
    ]
}

/// A path with a folder that is there is one of this repository.
fn looks_like_ours(page: &Page, code: &str) -> bool {
    let is_path = code.contains('/')
        && code
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "./_-*".contains(letter));
    let first = code.split('/').next().unwrap_or_default();
    let mut beginnings = beginnings(page).into_iter();
    is_path
        && !first.is_empty()
        && !is_made(code)
        && beginnings.any(|folder| folder.join(first).is_dir())
}

fn exists(page: &Page, path: &str) -> bool {
    let Some((folder, pattern)) = path.rsplit_once('/').filter(|(_, file)| file.contains('*'))
    else {
        return beginnings(page)
            .iter()
            .any(|folder| folder.join(path).exists());
    };
    let (before, after) = pattern.split_once('*').expect("a star");
    let fits = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let mut names = entries.map(|entry| entry.expect("an entry").file_name());
        names.any(|name| {
            let name = name.to_string_lossy();
            name.starts_with(before) && name.ends_with(after)
        })
    };
    beginnings(page)
        .iter()
        .any(|beginning| fits(&beginning.join(folder)))
}

/// What a page names and nobody has.
fn missing(page: &Page, targets: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    for code in &page.codes {
        if let Some(rest) = code.strip_prefix("make ") {
            let target = rest.split_whitespace().next().unwrap_or_default();
            if !targets.iter().any(|known| known == target) {
                missing.push(format!("{}: {code}", page.name));
            }
        }
        // A command has its file first, and `file.rs::item` its item last.
        for word in code.split_whitespace() {
            if looks_like_ours(page, word) && !exists(page, word) {
                missing.push(format!("{}: {word} in {code}", page.name));
            }
        }
    }
    missing
}

#[test]
fn every_file_and_target_that_is_named_exists() {
    let targets = targets();
    let pages = pages();
    let missing: Vec<_> = pages
        .iter()
        .flat_map(|page| missing(page, &targets))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let named = pages.iter().flat_map(|page| {
        let ours = page.codes.iter();
        ours.filter(|code| looks_like_ours(page, code))
    });
    let named = named.count();
    assert!(named > 50, "only {named} files: are they still found?");
}

#[test]
fn a_file_that_is_not_there_is_seen() {
    let page = Page::parse(
        "docs/some.md",
        "`src/lib.rs` `limit/quota.rs` `envoy/examples/*.yaml` `make lint` `/v1/chat` `application/json` \
         `target/x/y.wasm` `src/none.rs` `limit/none.rs` `envoy/examples/*.none` `make none` \
         `scripts/none.sh test`",
    );
    let missing = missing(&page, &["lint".to_owned()]);
    let named: Vec<_> = missing
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    let expected = [
        "src/none.rs",
        "limit/none.rs",
        "envoy/examples/*.none",
        "make",
        "scripts/none.sh",
    ];
    assert_eq!(named, expected);
}
