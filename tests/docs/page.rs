//! A page of the repository as GitHub reads it.

use crate::anchors::Anchors;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A fenced block, with the word behind its fence.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
}

#[derive(Default)]
pub(crate) struct Page {
    /// Relative to the repository's root.
    pub(crate) name: String,
    pub(crate) links: Vec<String>,
    pub(crate) anchors: Vec<String>,
    pub(crate) blocks: Vec<Block>,
    /// What stands in backticks within a text.
    pub(crate) codes: Vec<String>,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        Self::parse(name, &read(name))
    }

    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut page = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        let mut anchors = Anchors::default();
        let mut heading: Option<String> = None;
        let mut in_block = false;
        let extensions = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for event in Parser::new_ext(text, extensions) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let heading = heading.take().expect("a heading has begun");
                    page.anchors.push(anchors.of(&heading));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let text = String::new();
                    page.blocks.push(Block { language, text });
                    in_block = true;
                }
                Event::End(TagEnd::CodeBlock) => in_block = false,
                Event::Text(text) if in_block => {
                    let block = page.blocks.last_mut().expect("a block has begun");
                    block.text.push_str(&text);
                }
                Event::Text(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Code(code) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&code);
                    }
                    page.codes.push(code.into_string());
                }
                _ => {}
            }
        }
        page
    }

    /// Where its relative links and paths begin.
    pub(crate) fn folder(&self) -> PathBuf {
        let page = root().join(&self.name);
        page.parent().expect("a page is in a folder").to_owned()
    }
}

/// Every page that is written for readers.
pub(crate) fn pages() -> Vec<Page> {
    let mut names = Vec::new();
    collect(Path::new(""), false, &mut names);
    for folder in ["docs", "envoy", ".github"] {
        collect(Path::new(folder), true, &mut names);
    }
    names.sort();
    for expected in ["README.md", "CONTRIBUTING.md", "docs/operations.md"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    names.iter().map(|name| Page::read(name)).collect()
}

fn collect(folder: &Path, deep: bool, names: &mut Vec<String>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            if deep {
                collect(&path, deep, names);
            }
        } else if path.extension().is_some_and(|ending| ending == "md") {
            names.push(path.to_str().expect("a name").to_owned());
        }
    }
}
