//! No link within the repository leads nowhere.

use crate::page::{pages, root, Page};

/// Where a link leads that leads nowhere.
fn broken(page: &Page, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (link, None),
    };
    let lacks = |anchors: &[String]| {
        let anchor = anchor?;
        let found = anchors.iter().any(|found| found == anchor);
        (!found).then(|| format!("{}: no heading {link}", page.name))
    };
    if path.is_empty() {
        return lacks(&page.anchors);
    }
    let Ok(target) = page.folder().join(path).canonicalize() else {
        return Some(format!("{}: no file {path}", page.name));
    };
    let Ok(inside) = target.strip_prefix(root().canonicalize().unwrap()) else {
        return Some(format!("{}: {path} is outside", page.name));
    };
    match anchor {
        Some(_) => lacks(&Page::read(inside.to_str().expect("a name")).anchors),
        None => None,
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut inside = 0;
    let mut all_broken = Vec::new();
    for page in pages() {
        for link in &page.links {
            inside += usize::from(!link.contains("://"));
            all_broken.extend(broken(&page, link));
        }
    }
    assert!(all_broken.is_empty(), "{all_broken:#?}");
    assert!(inside > 60, "only {inside} links: are they still found?");
}

#[test]
fn a_broken_link_is_seen() {
    let page = Page::parse(
        "docs/some.md",
        "# Some page\n[a](#some-page) [b](../README.md#a-429) [c](design.md) \
         [d](#none) [e](none.md) [f](../README.md#none) [g](../../x) [h](https://example.com/#x)",
    );
    let broken: Vec<_> = page
        .links
        .iter()
        .map(|link| broken(&page, link).is_some())
        .collect();
    assert_eq!(broken, [false, false, false, true, true, true, true, false]);
}
