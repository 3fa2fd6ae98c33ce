//! A custom resource's `openAPIV3Schema` as a JSON schema that is as strict as an operator
//! wants it: a field that the API server would prune in silence is an error here.

use serde_json::{json, Map, Value};

/// The schema of a whole manifest. `apiVersion`, `kind` and `metadata` are the API server's.
pub(crate) fn of_resource(open_api: &Value) -> Value {
    let mut schema = structural(open_api);
    for (name, of_any) in [("apiVersion", "string"), ("kind", "string")] {
        schema["properties"][name] = json!({"type": of_any});
    }
    schema["properties"]["metadata"] = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "namespace": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "additionalProperties": false,
    });
    schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    schema
}

/// A node of the part that says which fields there are.
fn structural(node: &Value) -> Value {
    let Value::Object(node) = node else {
        return node.clone();
    };
    let mut schema = Map::new();
    for (keyword, value) in node {
        let value = match keyword.as_str() {
            "properties" => of_each(value),
            "items" => structural(value),
            "additionalProperties" if value.is_object() => structural(value),
            // What says nothing of the value. Defaults are filled in by the API server.
            "description" | "default" | "example" | "nullable" => continue,
            extension if extension.starts_with("x-") => continue,
            // Under `allOf`, `anyOf`, `oneOf` and `not` are conditions on the same object, not
            // fields of their own, so they stay as they are.
            _ => value.clone(),
        };
        schema.insert(keyword.clone(), value);
    }
    let is = |extension: &str| node.get(extension) == Some(&Value::Bool(true));
    if is("x-kubernetes-int-or-string") {
        schema.insert("type".into(), json!(["integer", "string"]));
    }
    let object = node.get("type").is_some_and(|found| found == "object");
    if object && !node.contains_key("additionalProperties") {
        let open = is("x-kubernetes-preserve-unknown-fields");
        schema.insert("additionalProperties".into(), json!(open));
    }
    if is("nullable") {
        let either = json!([node.get("type"), "null"]);
        schema.insert("type".into(), either);
    }
    Value::Object(schema)
}

fn of_each(properties: &Value) -> Value {
    let properties = properties.as_object().expect("properties");
    let each = properties.iter();
    Value::Object(
        each.map(|(name, schema)| (name.clone(), structural(schema)))
            .collect(),
    )
}
