//! `match`: the conditions of a route.

use super::json::quoted;
use super::object::Object;
use super::sources::{header_name, is_token};
use super::value::Value;
use crate::request::AttributePath;
use crate::route::{
    HeaderMatch, HostPattern, InvalidTemplate, Matcher, ModelPattern, NormalPath, PathMatch,
    Template,
};

/// The variables of all path templates, for sources that name one.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) names: Vec<Box<str>>,
    /// Whether some path could not be read, so that there may be more.
    pub(super) incomplete: bool,
}

/// Reads the conditions of a route, and adds its path's variables.
pub(super) fn read(value: &Value<'_>, variables: &mut Variables) -> Option<Matcher> {
    let object = value.object("an object of conditions, or {} for every request")?;
    let path = read_path(value, &object);
    match &path {
        Some(Some(PathMatch::Template(template))) => {
            variables.names.extend(template.variables().map(Into::into));
        }
        Some(_) => {}
        None => variables.incomplete = true,
    }
    let methods = match object.optional("methods") {
        Some(methods) => read_methods(&methods),
        None => Some(Vec::new()),
    };
    let host = match object.optional("host") {
        Some(host) => read_host(&host).map(Some),
        None => Some(None),
    };
    let headers = match object.optional("headers") {
        Some(headers) => read_headers(&headers),
        None => Some(Vec::new()),
    };
    let attributes = read_attributes(&object);
    let model = match object.optional("model") {
        Some(model) => read_model(&model).map(Some),
        None => Some(None),
    };
    object.finish();
    Some(Matcher {
        path: path?,
        methods: methods?,
        host: host?,
        headers: headers?,
        attributes: attributes?,
        model: model?,
    })
}

/// `Some(None)` where no path is asked for, `None` where an error was noted.
fn read_path(value: &Value<'_>, object: &Object<'_>) -> Option<Option<PathMatch>> {
    match (object.optional("path"), object.optional("prefix")) {
        (None, None) => Some(None),
        (Some(_), Some(_)) => value.unexpected_names("one of path and prefix", "both"),
        (Some(path), None) => {
            let text = path.string(PATH)?;
            match Template::parse(text) {
                Ok(template) => Some(Some(PathMatch::Template(template))),
                Err(reason) => path.unexpected(match reason {
                    InvalidTemplate::Path => PATH,
                    InvalidTemplate::Brace => "braces only around a variable, as in {model}",
                    InvalidTemplate::Name => "variables with names of their own, of a-z, 0-9 and _",
                    InvalidTemplate::TwoInOneSegment => "at most one variable in a segment",
                    InvalidTemplate::TailNotLast => "{name=**} only at the end",
                }),
            }
        }
        (None, Some(prefix)) => {
            let text = prefix.string(PREFIX)?;
            // What a dot segment at the end is a prefix of would be a riddle.
            let dotted = text.split('/').any(|segment| matches!(segment, "." | ".."));
            match NormalPath::of(text.as_bytes()) {
                NormalPath::Normal { path, .. } if !dotted && !text.contains(['?', '#']) => {
                    Some(Some(prefix_match(&path, text.ends_with('/'))))
                }
                _ => prefix.unexpected(PREFIX),
            }
        }
    }
}

/// `/wing/` means the wing and all below it; `/wing` is a prefix of `/wings` too.
fn prefix_match(path: &[u8], whole_segment: bool) -> PathMatch {
    match path {
        b"/" => PathMatch::Below(Box::default()),
        path if whole_segment => PathMatch::Below(path.into()),
        path => PathMatch::Prefix(path.into()),
    }
}

fn read_methods(value: &Value<'_>) -> Option<Vec<Box<str>>> {
    let items = value.filled_list("a list of methods, such as [\"POST\"]")?;
    let expected = "a method in capitals, such as \"POST\"";
    let methods: Vec<Option<Box<str>>> = items
        .iter()
        .map(|item| {
            let method = item.text(expected)?;
            let capital = |c: char| c.is_ascii_uppercase() || c == '-' || c == '_';
            match method.chars().all(capital) {
                true => Some(method.into()),
                false => item.unexpected(expected),
            }
        })
        .collect();
    methods.into_iter().collect()
}

fn read_model(value: &Value<'_>) -> Option<ModelPattern> {
    let expected = "a model's name, or how several begin, such as \"gpt-4o\" or \"gpt-*\"";
    let text = value.text(expected)?;
    let (name, is_prefix) = match text.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (text, false),
    };
    match (name, is_prefix) {
        ("", _) => value.unexpected(expected),
        (name, _) if name.contains('*') => value.unexpected(expected),
        (name, true) => Some(ModelPattern::Prefix(name.into())),
        (name, false) => Some(ModelPattern::Exact(name.into())),
    }
}

fn read_host(value: &Value<'_>) -> Option<HostPattern> {
    let expected =
        "a host without port and final dot, such as \"api.example.com\" or \"*.example.com\"";
    match HostPattern::parse(value.string(expected)?) {
        Some(host) => Some(host),
        None => value.unexpected(expected),
    }
}

fn read_headers(value: &Value<'_>) -> Option<Vec<HeaderMatch>> {
    let object = value.object("an object of exact values by header name")?;
    let mut names: Vec<Box<str>> = Vec::new();
    let headers: Vec<Option<HeaderMatch>> = object
        .members()
        .map(|(name, value)| {
            if !is_token(name) {
                return value.unexpected_names("the name of a header", quoted(name));
            }
            let exact = value.text("the header's exact value")?.into();
            let name = header_name(name);
            if names.contains(&name) {
                return value.unexpected_names("each header once", quoted(&name));
            }
            names.push(name.clone());
            Some(HeaderMatch { name, value: exact })
        })
        .collect();
    headers.into_iter().collect()
}

/// The conditions on Envoy's own route: its name, or `tollgate.route` in its
/// metadata.
fn read_attributes(object: &Object<'_>) -> Option<Vec<(AttributePath, Box<str>)>> {
    const METADATA: [&str; 5] = [
        "xds",
        "route_metadata",
        "filter_metadata",
        "tollgate",
        "route",
    ];
    let conditions = [
        (object.optional("route_name"), &["xds", "route_name"][..]),
        (object.optional("route_metadata"), &METADATA[..]),
    ];
    let mut attributes = Some(Vec::new());
    for (value, attribute) in conditions {
        let Some(value) = value else { continue };
        let read = value.text("a text of at least one character");
        match (read, &mut attributes) {
            (Some(text), Some(attributes)) => {
                attributes.push((AttributePath::new(attribute.iter().copied()), text.into()))
            }
            (None, _) => attributes = None,
            (Some(_), None) => {}
        }
    }
    attributes
}

const PATH: &str =
    "a path from its first /, such as \"/v1/models/{model}\", without a query, %2F, %5C, %00 or \\";
const PREFIX: &str =
    "a path from its first /, such as \"/v1/\", without a query, dot segment, %2F, %5C, %00 or \\";
