//! What connects a cluster to a running platform, ready to paste.

use std::fmt;
use std::net::SocketAddr;

use airside_auth::ApiKey;
use airside_config::Settings;
use airside_node::settings::{TlsOptions, WebhookOptions};
use airside_node::{Node, api_key_path};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::DEFAULT_SERVER;
use crate::show::{FAINT, RESET, STRONG};

/// The addresses, certificate and key of a running platform.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The API's URL.
    pub api: String,
    /// The certificate's file, where a client of the API has to be given it.
    pub ca_file: Option<String>,
    /// Where clusters reach the webhook listener, `HOST:PORT`.
    pub webhook: String,
    /// Whether that is every address of this machine, which is none that a cluster could reach.
    pub is_everywhere: bool,
    /// The certificate to trust, as PEM.
    pub ca_pem: String,
    /// The API key.
    pub api_key: String,
    /// Where the API key is kept.
    pub api_key_file: String,
    /// The name by which the cluster is known.
    pub cluster: String,
}

impl Connection {
    /// How to connect to a node.
    pub fn of(node: &Node, settings: &Settings) -> anyhow::Result<Self> {
        let webhook: WebhookOptions = settings.section("webhook")?;
        let bound = node.webhook.context("no service of this node takes what clusters send")?;
        let tls: TlsOptions = settings.section("tls")?;
        // A certificate of one's own is of an authority that clients know.
        let is_own = node.api_tls && tls.certificate.is_none();
        let folder = || tls.folder.unwrap_or_else(|| node.data_dir.join("tls"));
        let key_file = api_key_path(&node.data_dir);
        let api_key = std::fs::read_to_string(&key_file).unwrap_or_else(|_| "API-KEY".to_owned());
        Ok(Self {
            api: node.api_url(),
            ca_file: is_own.then(|| folder().join("ca.crt").display().to_string()),
            webhook: advertised(webhook.advertise.as_deref(), bound),
            is_everywhere: webhook.advertise.is_none() && bound.ip().is_unspecified(),
            ca_pem: node.ca_pem.clone(),
            api_key: api_key.trim().to_owned(),
            api_key_file: key_file.display().to_string(),
            cluster: "default".to_owned(),
        })
    }

    /// The URL for audit events.
    pub fn audit_url(&self) -> String {
        format!("https://{}/v1/audit/{}", self.webhook, self.cluster)
    }

    /// The URL for admission reviews. An API server sends a webhook no header, so the URL carries what
    /// stands for the key.
    pub fn admission_url(&self) -> String {
        let token = ApiKey::parse(&self.api_key).map(|key| key.url_token().expose());
        let token = token.as_deref().map_or("TOKEN-OF-THE-API-KEY", String::as_str);
        format!("https://{}/v1/admission/{}/{token}", self.webhook, self.cluster)
    }

    /// The URL for alerts and events of a sensor.
    pub fn runtime_url(&self, source: &str) -> String {
        format!("https://{}/v1/runtime/{source}/{}", self.webhook, self.cluster)
    }

    /// The kubeconfig for the API server's audit webhook.
    pub fn audit_kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: airside\n  cluster:\n    server: {}\n    \
             certificate-authority-data: {}\nusers:\n- name: airside\n  user:\n    token: {}\n\
             contexts:\n- name: airside\n  context: {{cluster: airside, user: airside}}\n\
             current-context: airside\n",
            self.audit_url(),
            STANDARD.encode(&self.ca_pem),
            self.api_key,
        )
    }

    /// The webhook configuration for admission. It fails open and leaves Airside's and the cluster's own
    /// namespaces alone, so that the cluster never depends on it.
    pub fn webhook_configuration(&self) -> String {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n\
             metadata:\n  name: airside\nwebhooks:\n- name: airside.airside.dev\n  clientConfig:\n    \
             url: {}\n    caBundle: {}\n  rules:\n  - apiGroups: [\"\", apps, batch, \
             rbac.authorization.k8s.io, networking.k8s.io]\n    apiVersions: [\"*\"]\n    \
             operations: [CREATE, UPDATE]\n    resources: [pods, deployments, daemonsets, statefulsets, \
             replicasets, jobs, cronjobs,\n      roles, rolebindings, clusterroles, clusterrolebindings, \
             networkpolicies]\n  - apiGroups: [\"\"]\n    apiVersions: [\"*\"]\n    \
             operations: [CONNECT]\n    resources: [pods/exec, pods/attach, pods/portforward]\n  \
             namespaceSelector:\n    matchExpressions:\n    - key: \
             kubernetes.io/metadata.name\n      operator: NotIn\n      values: [kube-system, airside]\n  \
             admissionReviewVersions: [v1]\n  sideEffects: None\n  failurePolicy: Ignore\n  \
             timeoutSeconds: 5\n",
            self.admission_url(),
            STANDARD.encode(&self.ca_pem),
        )
    }

    /// Falco's settings: its HTTP output, and the pod's uid with every alert, since names come again.
    pub fn falco_settings(&self) -> String {
        format!(
            "json_output: true\nhttp_output:\n  enabled: true\n  url: https://airside:{}@{}/v1/runtime/falco/{}\n  \
             ca_cert: /etc/falco/airside-ca.crt\nappend_output:\n- match: {{source: syscall}}\n  \
             extra_fields: [k8s.pod.uid]\n",
            self.api_key, self.webhook, self.cluster,
        )
    }
}

/// The option that leads a command to an API; none where it goes there by itself.
fn server_option(api: &str) -> String {
    match api.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:") {
        api if api == DEFAULT_SERVER => String::new(),
        api => format!(" --server {api}"),
    }
}

fn advertised(advertise: Option<&str>, bound: SocketAddr) -> String {
    match advertise {
        Some(address)
            if address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) =>
        {
            address.to_owned()
        }
        Some(host) => format!("{host}:{}", bound.port()),
        None => bound.to_string(),
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading =
            |f: &mut fmt::Formatter<'_>, text: &str| writeln!(f, "\n{STRONG}{text}{RESET}");
        writeln!(f, "{STRONG}Airside is up.{RESET} Stop it with Ctrl-C.")?;
        writeln!(f, "  API (gRPC, health, metrics)   {}", self.api)?;
        writeln!(f, "  webhooks (TLS)                https://{}", self.webhook)?;
        if self.is_everywhere {
            writeln!(
                f,
                "  {STRONG}No cluster reaches this address:{RESET} set webhook.advertise to the name that this machine has for \
                 them; the certificate then has it as well."
            )?;
        }
        writeln!(
            f,
            "  API key                       {} {FAINT}(kept in {}){RESET}",
            self.api_key, self.api_key_file
        )?;
        heading(f, "1. Admission: kubectl apply -f - with")?;
        f.write_str(&self.webhook_configuration())?;
        heading(f, "2. Audit events: save as /etc/kubernetes/airside-audit.kubeconfig")?;
        f.write_str(&self.audit_kubeconfig())?;
        heading(f, "   and start the API server with")?;
        writeln!(f, "--audit-webhook-config-file=/etc/kubernetes/airside-audit.kubeconfig")?;
        writeln!(f, "--audit-webhook-batch-max-wait=1s")?;
        writeln!(
            f,
            "--audit-policy-file=… {FAINT}(RequestResponse for the resources that matter){RESET}"
        )?;
        heading(f, "3. Falco 0.40 or newer: add to falco.yaml")?;
        f.write_str(&self.falco_settings())?;
        heading(f, "   and save as /etc/falco/airside-ca.crt")?;
        f.write_str(&self.ca_pem)?;
        heading(f, "4. Manifests: before you deploy them")?;
        let ca = self.ca_file.iter().map(|file| format!(" --ca-file {file}")).collect::<String>();
        let server = server_option(&self.api);
        let options = format!("--api-key-file {}{server}{ca}", self.api_key_file);
        writeln!(f, "airside scan --publish {options} FOLDER")?;
        heading(f, "5. Watch what happens")?;
        writeln!(f, "airside incidents watch {options}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_are_printed_reach_the_api() {
        for (api, option) in [
            (DEFAULT_SERVER, ""),
            ("http://127.0.0.1:7601", " --server http://127.0.0.1:7601"),
            ("http://0.0.0.0:7600", ""),
            ("https://0.0.0.0:34203", " --server https://127.0.0.1:34203"),
            ("https://[::]:34203", " --server https://[::1]:34203"),
        ] {
            assert_eq!(server_option(api), option, "{api}");
        }
    }
    /// Whoever copies the commands of a platform with its own certificate reaches it.
    #[test]
    fn commands_name_the_certificate_of_the_api_where_it_has_one_of_its_own() {
        let platform = |ca_file: Option<&str>| Connection {
            api: DEFAULT_SERVER.to_owned(),
            ca_file: ca_file.map(str::to_owned),
            webhook: "127.0.0.1:7643".to_owned(),
            is_everywhere: false,
            ca_pem: String::new(),
            api_key: String::new(),
            api_key_file: "key".to_owned(),
            cluster: "default".to_owned(),
        };
        for (ca_file, option) in [(None, ""), (Some("tls/ca.crt"), " --ca-file tls/ca.crt")] {
            let printed = platform(ca_file).to_string();
            for command in ["scan --publish", "incidents watch"] {
                let line = format!("airside {command} --api-key-file key{option}");
                assert!(printed.contains(&line), "{line}\n{printed}");
            }
        }
    }
}
