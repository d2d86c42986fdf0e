//! What OpenShift's own configuration says of where the cluster gets its images from, and by whom it is connected.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::hands::Hands;
use super::policy::changed;
use super::{Definition, Ended, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[Definition {
    rule: Rule {
        id: "AUD-R50-mirror",
        version: 1,
        title: "Images or connections of the whole cluster led elsewhere",
        why: "Every node follows: images come from the mirror under their old names, the release comes from the image, what leaves goes through the proxy and its authority.",
        next: "Whose mirror, image or proxy it is; which nodes took it over, and which images were pulled since.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::Persistence,
        techniques: &[technique("T1525"), technique("T1195.002")],
        equivalents: &[],
        source: Source::Audit,
        examples: Some(Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"oc/4.17","objectRef":{"resource":"imagetagmirrorsets","apiGroup":"config.openshift.io","name":"m"},"requestObject":{"spec":{"imageTagMirrors":[{"source":"registry.example/app","mirrors":["mirror.example/app"]}]}},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"oc/4.17","objectRef":{"resource":"clusterversions","apiGroup":"config.openshift.io","name":"version"},"requestObject":{"spec":{"desiredUpdate":{"version":"4.17.9"}}},"responseStatus":{"code":200}}"#,
        }),
    },
    on: On::Resources(
        WRITE,
        &[
            "clusterversions.config.openshift.io",
            "imagecontentpolicies.config.openshift.io",
            "imagecontentsourcepolicies.operator.openshift.io",
            "imagedigestmirrorsets.config.openshift.io",
            "images.config.openshift.io",
            "imagetagmirrorsets.config.openshift.io",
            "proxies.config.openshift.io",
        ],
    ),
    ended: Ended::Done,
    when: |request| {
        let severity = Hands::for_changed(request).unless_usual(request)?;
        let (field, value) = led(request.resource(), at(request.body(), &["spec"]))?;
        let field = format!("requestObject.spec.{field}");
        Some(changed(request).at(severity).with(&field, value))
    },
}];

fn led<'v>(resource: &str, spec: &'v Value) -> Option<(&'static str, &'v str)> {
    let named = |places: &[(&[&str], &'static str)]| {
        let mut found = places.iter().map(|(place, key)| (*key, text(at(spec, place), key)));
        found.find(|(_, value)| !value.is_empty())
    };
    match resource {
        "clusterversions" => {
            // Releases are signed: only who forces one asks for no signature.
            let forced = at(spec, &["desiredUpdate"]).get("force") == Some(&Value::Bool(true));
            let forced = forced.then_some(("desiredUpdate.force", "true"));
            let mut unmanaged = items(spec, "overrides").iter();
            let unmanaged = unmanaged.find(|it| it.get("unmanaged") == Some(&Value::Bool(true)));
            let unmanaged = unmanaged.map(|it| ("overrides", text(it, "name")));
            let is_bare = text(at(spec, &["desiredUpdate"]), "version").is_empty();
            let image = named(&[(&["desiredUpdate"], "image")]).filter(|_| is_bare);
            forced.or(image).or_else(|| named(&[(&[], "upstream")])).or(unmanaged)
        }
        "images" => {
            let insecure = texts(at(spec, &["registrySources"]), "insecureRegistries").next();
            let insecure =
                insecure.map(|registry| ("registrySources.insecureRegistries", registry));
            insecure.or_else(|| named(&[(&["additionalTrustedCA"], "name")]))
        }
        "proxies" => named(&[(&[], "httpsProxy"), (&[], "httpProxy"), (&["trustedCA"], "name")]),
        _ => mirrors(spec),
    }
}

fn mirrors(spec: &Value) -> Option<(&'static str, &str)> {
    const LISTS: [&str; 3] = ["imageDigestMirrors", "imageTagMirrors", "repositoryDigestMirrors"];
    LISTS.into_iter().find_map(|list| {
        Some((list, items(spec, list).iter().find_map(|it| texts(it, "mirrors").next())?))
    })
}
