//! The two pages of docs/ that say what to copy: nothing is missing there.

use crate::crds::Schemas;
use crate::documents::{files, parse, root};
use std::fs;

fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).expect(name)
}

#[test]
fn every_manifest_is_in_its_page() {
    for (name, folder) in [("istio.md", "istio"), ("envoy-gateway.md", "gateway")] {
        let page = page(name);
        for path in files(&format!("envoy/{folder}"), "yaml") {
            let file = path.file_name().unwrap().to_str().unwrap();
            let link = format!("[`{file}`](../envoy/{folder}/{file})");
            assert!(page.contains(&link), "{name} lacks {link}");
        }
        // What no test here can do is said.
        assert!(
            page.contains("It has not been run in a cluster")
                || page.contains("It has not been\n> run in a cluster")
        );
    }
}

/// The patch that the page shows, in a policy around it.
#[test]
fn the_patch_for_reloading_fits_its_schema() {
    let page = page("envoy-gateway.md");
    let patch = page.split("```yaml\n").nth(1).expect("a block");
    let patch = patch.split("```").next().unwrap().replace('\n', "\n  ");
    let policy = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyPatchPolicy\n\
         metadata: {{ name: a }}\nspec:\n  type: JSONPatch\n  \
         targetRef: {{ group: gateway.networking.k8s.io, kind: Gateway, name: public }}\n  {patch}\n"
    );
    let documents = parse("docs/envoy-gateway.md", &policy);
    let path = documents[0].text("/spec/jsonPatches/0/operation/jsonPath");
    assert!(path.contains("envoyextensionpolicy/default/tollgate/wasm/0"));
    let schemas = Schemas::here();
    let errors = schemas.errors(&documents).remove(0);
    let expected = schemas.are_definitions().then(Vec::new);
    assert_eq!(errors, expected);
}
