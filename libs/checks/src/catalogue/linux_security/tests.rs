//! Which settings confine a container, and which take the confinement away.

use airside_k8s::{Completeness, Document, Limits, yaml};

use crate::evaluate::evaluate;

/// The fields at which a check fails for a pod with these annotations and this specification.
fn fields(annotations: &str, spec: &str, check: &str) -> Vec<String> {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, annotations: {annotations}}}\nspec: {spec}\n"
    );
    let parsed = yaml::parse(&text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let contents: Vec<_> = parsed.documents.iter().map(Document::contents).collect();
    let objects: Vec<_> = contents.iter().flat_map(|c| &c.objects).map(|o| o.object).collect();
    let failures = evaluate(&objects, Completeness::WholeInput).failures;
    let of_check = failures.iter().filter(|failure| failure.check.id == check);
    of_check.map(|failure| failure.field.to_string()).collect()
}

const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io";

#[test]
fn one_way_to_confine_a_container_is_enough() {
    let of_web = format!("{{{APPARMOR}/web: runtime/default}}");
    let of_other = format!("{{{APPARMOR}/other: runtime/default}}");
    let context =
        |context: &str| format!("{{containers: [{{name: web, securityContext: {context}}}]}}");
    for (annotations, spec, fails) in [
        ("{}", context("{}"), true),
        (of_web.as_str(), context("{}"), false),
        (of_other.as_str(), context("{}"), true),
        ("{}", context("{appArmorProfile: {type: RuntimeDefault}}"), false),
        ("{}", context("{seccompProfile: {type: Unconfined}}"), true),
        ("{}", context("{seccompProfile: {type: Localhost, localhostProfile: a}}"), false),
        ("{}", context("{seLinuxOptions: {}}"), true),
        ("{}", context("{seLinuxOptions: {level: s0}}"), false),
        ("{}", context("{capabilities: {drop: [ALL]}}"), false),
        ("{}", context("{capabilities: {drop: [ALL], add: [all]}}"), true),
        ("{}", "{os: {name: windows}, containers: [{name: web}]}".to_owned(), false),
    ] {
        let found = !fields(annotations, &spec, "no-kernel-confinement").is_empty();
        assert_eq!(found, fails, "{annotations} {spec}");
    }
}

#[test]
fn a_profile_that_is_none_is_told_where_it_stands() {
    let spec = "{containers: [{name: web}]}";
    for (profile, fails) in [
        ("unconfined", true),
        ("custom", true),
        ("runtime/default", false),
        ("localhost/web", false),
    ] {
        let annotations = format!("{{{APPARMOR}/web: {profile}}}");
        assert_eq!(!fields(&annotations, spec, "apparmor-profile").is_empty(), fails, "{profile}");
    }
    let in_container =
        "{containers: [{name: web, securityContext: {appArmorProfile: {type: Unconfined}}}]}";
    assert_eq!(
        fields("{}", in_container, "apparmor-profile"),
        ["spec.containers[0].securityContext.appArmorProfile.type"]
    );
}

#[test]
fn sysctls_are_known_with_dots_and_with_slashes() {
    for (name, fails) in [
        ("net.ipv4.tcp_syncookies", false),
        ("net/ipv4/tcp_syncookies", false),
        ("net.core.somaxconn", true),
        ("kernel/sem", true),
    ] {
        let spec = format!("{{securityContext: {{sysctls: [{{name: {name}, value: '1'}}]}}}}");
        assert_eq!(!fields("{}", &spec, "unsafe-sysctls").is_empty(), fails, "{name}");
    }
}
