//! What stands in the compose file, which no engine is needed for.

use crate::harness::{docker_compose, root};
use serde_json::Value;
use std::process::Command;

const PROFILES: [&str; 2] = ["cluster", "local"];

/// The file as Compose understands it, with this profile.
pub(crate) fn config(profile: &str) -> Value {
    let output = Command::new(docker_compose())
        .arg("--file")
        .arg(root().join("envoy/docker-compose.yaml"))
        .args(["--profile", profile, "config", "--format", "json"])
        .env_remove("TOLLGATE_PORT")
        .output()
        .expect("docker-compose runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(crate) fn services(config: &Value) -> impl Iterator<Item = (&String, &Value)> {
    config["services"].as_object().expect("services").iter()
}

#[test]
fn compose_takes_the_file_in_both_profiles() {
    let names = |profile| -> Vec<String> {
        let config = config(profile);
        services(&config).map(|(name, _)| name.clone()).collect()
    };
    let cluster = "api bridge front gateway grafana prometheus redis";
    assert_eq!(names("cluster").join(" "), cluster);
    let local = "api front gateway-local grafana prometheus";
    assert_eq!(names("local").join(" "), local);
}

#[test]
fn no_service_may_do_more_than_it_must() {
    for config in PROFILES.map(config) {
        for (name, service) in services(&config) {
            assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
            let options = serde_json::json!(["no-new-privileges:true"]);
            assert_eq!(service["security_opt"], options, "{name}");
            assert_eq!(service["read_only"], true, "{name}");
            for more in ["cap_add", "privileged", "network_mode", "pid", "devices"] {
                assert!(service.get(more).is_none(), "{name}: {more}");
            }
            let user = service["user"].as_str().expect(name);
            assert!(!user.starts_with("0:") && user != "0", "{name}: {user}");
            assert!(service["mem_limit"].is_string(), "{name}");
            assert!(service["healthcheck"]["test"].is_array(), "{name}");
            for mount in service["volumes"].as_array().into_iter().flatten() {
                let files = mount["type"] == "bind";
                assert!(!files || mount["read_only"] == true, "{name}: {mount}");
            }
        }
    }
}

#[test]
fn only_this_machine_reaches_the_published_ports() {
    let config = config("cluster");
    let ports = services(&config).flat_map(|(_, service)| service["ports"].as_array());
    let ports: Vec<_> = ports.flatten().collect();
    assert_eq!(ports.len(), 3, "{ports:?}");
    for port in ports {
        assert_eq!(port["host_ip"], "127.0.0.1", "{port}");
    }
}

#[test]
fn every_image_is_of_one_version() {
    let dockerfile = std::fs::read_to_string(root().join("envoy/Dockerfile")).unwrap();
    let config = config("cluster");
    let images = official(&config, &dockerfile);
    assert_eq!(images.len(), 7, "{images:?}");
    for image in images {
        let tag = image.rsplit_once(':').expect("a tag").1;
        assert!(
            tag.contains(|c: char| c.is_ascii_digit()) || tag == "bookworm-slim",
            "{image}"
        );
    }
}

/// The images that come from a registry: of services that are not built, and those that
/// the built ones begin with.
pub(crate) fn official(config: &Value, dockerfile: &str) -> Vec<String> {
    let pulled = services(config).filter(|(_, service)| service.get("build").is_none());
    let pulled = pulled.map(|(_, service)| service["image"].as_str().unwrap().to_owned());
    let begun = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "));
    let begun = begun.map(|line| line.split(' ').next().unwrap().to_owned());
    pulled.chain(begun).collect()
}
