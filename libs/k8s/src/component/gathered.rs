//! Facts that were gathered on a node, in the form of Trivy's node collector (`kind: NodeInfo`): the
//! kubelet's settings as they are in force. A setting that is not listed was not looked at.

use airside_types::FieldPath;

use super::files::text;
use super::{Component, Configuration, Source};
use crate::fields::elements;
use crate::object::Object;
use crate::value::Value;

/// The facts by the flag that they answer.
const FACTS: [(&str, &str); 14] = [
    ("anonymous-auth", "kubeletAnonymousAuthArgumentSet"),
    ("authorization-mode", "kubeletAuthorizationModeArgumentSet"),
    ("client-ca-file", "kubeletClientCaFileArgumentSet"),
    ("event-qps", "kubeletEventQpsArgumentSet"),
    ("hostname-override", "kubeletHostnameOverrideArgumentSet"),
    ("make-iptables-util-chains", "kubeletMakeIptablesUtilChainsArgumentSet"),
    ("protect-kernel-defaults", "kubeletProtectKernelDefaultsArgumentSet"),
    ("read-only-port", "kubeletReadOnlyPortArgumentSet"),
    ("rotate-certificates", "kubeletRotateCertificatesArgumentSet"),
    ("rotate-server-certificates", "kubeletRotateKubeletServerCertificateArgumentSet"),
    ("streaming-connection-idle-timeout", "kubeletStreamingConnectionIdleTimeoutArgumentSet"),
    ("tls-cert-file", "kubeletTlsCertFileTlsArgumentSet"),
    ("tls-cipher-suites", "kubeletOnlyUseStrongCryptographic"),
    ("tls-private-key-file", "kubeletTlsPrivateKeyFileArgumentSet"),
];

/// The kubelet's configuration of a node; none where nothing about the kubelet was gathered.
pub(super) fn kubelet(object: &Object<'_>) -> Option<Configuration> {
    let info = object.fields().get("info").and_then(Value::as_object)?;
    let anchor = FieldPath::of(&["info"]);
    let mut found = Configuration::new(Component::Kubelet, Source::Gathered, anchor.clone());
    found.is_open = true;
    for (flag, fact) in FACTS {
        let Some(values) = info.get(fact).and_then(|fact| fact.get("values")) else { continue };
        let path = anchor.keys(&[fact, "values"]);
        match elements(Some(values)) {
            [] => drop(found.absent.insert(flag, path)),
            values => {
                let listed: Vec<String> = values.iter().map(text).collect();
                found.give(flag, listed.join(","), path);
            }
        }
    }
    let is_about_the_kubelet = !found.flags.is_empty() || !found.absent.is_empty();
    is_about_the_kubelet.then_some(found)
}
