//! Checks on credentials in ConfigMaps, whose texts are read in their own formats.

use airside_k8s::Value;
use airside_k8s::fields::field;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity, Step};

use super::{described, is_shaped};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Found, Searched, Sort, Style, search};
use crate::subject::Whole;

const CONFIG_MAPS: &[(&str, &str)] = &[("", "ConfigMap")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "credential-in-config-map",
        title: "ConfigMap holds a credential",
        why: "ConfigMaps are made to be read: roles that keep Secrets closed allow them, they are not encrypted at rest, and tools print them.",
        fix: "Move the value into a Secret and mount that, or let the program read the credential from a file of its own; replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: EQUIVALENTS,
        judge: Judge::Object(CONFIG_MAPS, |map, report| {
            judge(map, report, |found| found.hit.sort == Sort::Credential && is_shaped(found));
        }),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  app.properties: |
    listen=8080
    database.url=postgres://shop:mXq7-dune@db:5432/shop
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  app.properties: |
    listen=8080
    database.url=postgres://shop:${DATABASE_WORD}@db:5432/shop
",
    },
    Check {
        id: "literal-secret-in-config-map",
        title: "ConfigMap gives a literal value to what has the name of a credential",
        why: "The name says that the value is a password, a token or a key, and ConfigMaps are made to be read: roles that keep Secrets closed allow them.",
        fix: "Move the value into a Secret; replace a value that was in use.",
        severity: Severity::Medium,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: EQUIVALENTS,
        judge: Judge::Object(CONFIG_MAPS, |map, report| {
            judge(map, report, |found| found.hit.sort == Sort::Credential && !is_shaped(found));
        }),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  app.yaml: |
    database:
      user: shop
      password: sunflower
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  app.yaml: |
    database:
      user: shop
      passwordFile: /run/database/password
",
    },
    Check {
        id: "key-material-in-config-map",
        title: "ConfigMap holds a private key, a kubeconfig or a registry's credential",
        why: "These are complete credentials: with them one is the server, the cluster's user or the owner of images. ConfigMaps are made to be read and are not encrypted at rest.",
        fix: "Move it into a Secret (kubernetes.io/tls, kubernetes.io/dockerconfigjson or Opaque), and replace the key: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.004"), technique("T1552.007")],
        controls: &[],
        equivalents: EQUIVALENTS,
        judge: Judge::Object(CONFIG_MAPS, |map, report| {
            judge(map, report, |found| found.hit.sort != Sort::Credential);
        }),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: registry}
data:
  config.json: '{auths: {registry.example.net: {auth: c2hvcDptWHE3LWR1bmU=}}}'
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: registry}
data:
  config.json: '{auths: {registry.example.net: {}}, credsStore: ecr-login}'
",
    },
];

const EQUIVALENTS: &[&str] =
    &["polaris:sensitiveConfigmapContent", "kubescape:C-0012", "trivy:KSV-0109", "trivy:KSV-01010"];

/// What each key of a ConfigMap holds.
pub(super) fn searched<'a>(map: &Whole<'a>) -> &'a [Searched] {
    map.searched.get_or_init(|| {
        let mut all = Vec::new();
        for part in ["data", "binaryData"] {
            let entries = field(map.object.fields(), part).and_then(Value::as_object);
            for (key, value) in entries.into_iter().flatten() {
                let Some(text) = value.as_str() else { continue };
                let search = search(key, text, Style::Values);
                all.push(Searched { path: FieldPath::of(&[part, key]), search });
            }
        }
        all
    })
}

fn judge(map: &Whole<'_>, report: &mut Report<'_>, wanted: fn(&&Found) -> bool) {
    for Searched { path, search } in searched(map) {
        if let Some(what) = described(search.found.iter().filter(wanted)) {
            let Some(Step::Key(key)) = path.steps().last() else { continue };
            report.fail(path.clone(), format!("key `{key}` holds {what}"));
        }
    }
}
