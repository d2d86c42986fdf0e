//! From where a way in is open: from anywhere, from listed networks, or from private networks only.
//!
//! Read are the lists and annotations that Kubernetes, clouds and controllers act on. What a cloud's own firewall
//! adds is not in a manifest, and not known here.

use std::net::IpAddr;

use super::Entry;
use crate::fields::{down, elements, field, texts};
use crate::graph::policies::Block;
use crate::object::Object;
use crate::value::{Map, Value};

/// Who can use a way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clients {
    /// Whoever reaches the address.
    Anyone,
    /// These networks; some of them at least lie on the internet.
    Listed(Vec<Block>),
    /// Private networks only.
    Private,
}

impl Clients {
    /// Those of a list of networks; what is no network is passed over, and an empty list limits nothing.
    fn of<'t>(networks: impl Iterator<Item = &'t str>) -> Self {
        let blocks: Vec<Block> = networks.filter_map(|text| Block::parse(text.trim())).collect();
        match blocks {
            blocks if blocks.is_empty() || blocks.iter().any(|block| block.is_all()) => {
                Self::Anyone
            }
            blocks if blocks.iter().all(|block| block.is_private()) => Self::Private,
            blocks => Self::Listed(blocks),
        }
    }

    /// Whether the internet is among them, or a part of it.
    pub fn are_on_the_internet(&self) -> bool {
        *self != Self::Private
    }

    /// Whether an address of the internet is among them.
    pub(in crate::graph) fn have(&self, address: IpAddr) -> bool {
        match self {
            Self::Anyone => true,
            Self::Listed(blocks) => blocks.iter().any(|block| block.contains(address)),
            Self::Private => false,
        }
    }

    /// Those who get through both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Private, _) | (_, Self::Private) => Self::Private,
            (Self::Anyone, other) | (other, Self::Anyone) => other,
            // Of two lists the first is kept: what both hold lies in it.
            (listed, Self::Listed(_)) => listed,
        }
    }
}

/// How a Service opens itself, and for whom.
pub(super) fn own_entries(service: &Object<'_>) -> Vec<(Entry, Clients)> {
    let Some(spec) = service.fields().get("spec").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    match field(spec, "type").and_then(Value::as_str) {
        Some("NodePort") => entries.push((Entry::NodePort, Clients::Anyone)),
        Some("LoadBalancer") => match of_load_balancer(service) {
            Clients::Private => entries.push((Entry::PrivateLoadBalancer, Clients::Private)),
            clients => entries.push((Entry::LoadBalancer, clients)),
        },
        _ => {}
    }
    let mut addresses = texts(spec, "externalIPs").map(|(_, address)| address).peekable();
    if addresses.peek().is_some() {
        let is_private = |address| Block::parse(address).is_some_and(Block::is_private);
        let clients = if addresses.all(is_private) { Clients::Private } else { Clients::Anyone };
        entries.push((Entry::ExternalAddress, clients));
    }
    entries
}

/// By the annotations of clouds, and the list of networks of the Service.
fn of_load_balancer(service: &Object<'_>) -> Clients {
    const LIST: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    if is_private(service) {
        return Clients::Private;
    }
    let listed = elements(down(service.value(), &["spec", "loadBalancerSourceRanges"]));
    if !listed.is_empty() {
        return Clients::of(listed.iter().filter_map(Value::as_str));
    }
    Clients::of(annotation(service, LIST).into_iter().flat_map(|list| list.split(',')))
}

/// Whether annotations ask the cloud for a load balancer on its private network only.
pub fn is_private(service: &Object<'_>) -> bool {
    asks_for_private(service.annotations())
}

/// Whether annotations of a Service, or those that will be, ask for it.
fn asks_for_private(annotations: Option<&Map>) -> bool {
    const INTERNAL: [(&str, &[&str]); 11] = [
        ("cloud.google.com/load-balancer-type", &["internal"]),
        ("networking.gke.io/load-balancer-type", &["internal"]),
        ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
        ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
        ("service.beta.kubernetes.io/oci-load-balancer-internal", &["true"]),
        ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
        ("service.beta.kubernetes.io/scw-loadbalancer-private", &["true"]),
        ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", &["private"]),
        ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", &[]),
    ];
    has_any(annotations, &INTERNAL)
}

/// For whom a route is open, as it says itself: by its controller's load balancer, and by lists of networks that
/// the controller lets in.
pub(super) fn of_route(route: &Object<'_>) -> Clients {
    const INTERNAL: [(&str, &[&str]); 5] = [
        ("alb.ingress.kubernetes.io/scheme", &["internal"]),
        ("appgw.ingress.kubernetes.io/use-private-ip", &["true"]),
        ("kubernetes.io/ingress.class", &["gce-internal"]),
        ("ingress.cloud.ibm.com/alb-type", &["private"]),
        ("kubernetes.io/ingress.qcloud-loadbalance-type", &["intranet"]),
    ];
    const LISTS: [&str; 4] = [
        "alb.ingress.kubernetes.io/inbound-cidrs",
        "haproxy.org/allow-list",
        "nginx.ingress.kubernetes.io/allowlist-source-range",
        "nginx.ingress.kubernetes.io/whitelist-source-range",
    ];
    if has_any(route.annotations(), &INTERNAL) {
        return Clients::Private;
    }
    let lists = LISTS.iter().filter_map(|name| annotation(route, name));
    lists.fold(Clients::Anyone, |clients, list| clients.and(Clients::of(list.split(','))))
}

/// For whom a Gateway is open: by its class, where that is one of a cloud's private load balancers, and by the
/// annotations that its Service will have.
pub(super) fn of_gateway(gateway: &Object<'_>) -> Clients {
    const OF_CLUSTER: [(&str, &[&str]); 1] = [("networking.istio.io/service-type", &["ClusterIP"])];
    let infrastructure = down(gateway.value(), &["spec", "infrastructure", "annotations"]);
    let of_service = [gateway.annotations(), infrastructure.and_then(Value::as_object)];
    if of_service.iter().any(|all| asks_for_private(*all) || has_any(*all, &OF_CLUSTER)) {
        return Clients::Private;
    }
    let class = down(gateway.value(), &["spec", "gatewayClassName"]).and_then(Value::as_str);
    let class = class.unwrap_or_default();
    let is_private =
        class.starts_with("gke-") && (class.contains("rilb") || class.contains("internal"));
    if is_private { Clients::Private } else { Clients::Anyone }
}

/// Those of several gateways of which each suffices.
pub(super) fn any_of(all: impl Iterator<Item = Clients>) -> Clients {
    let mut all = all.peekable();
    if all.peek().is_some() && all.all(|clients| clients == Clients::Private) {
        Clients::Private
    } else {
        Clients::Anyone
    }
}

/// Those who get through a chain of objects.
pub(super) fn through(all: impl Iterator<Item = Clients>) -> Clients {
    all.fold(Clients::Anyone, Clients::and)
}

fn has_any(annotations: Option<&Map>, wanted: &[(&str, &[&str])]) -> bool {
    wanted.iter().any(|(name, values)| {
        annotations.and_then(|all| all.get(name)?.as_str()).is_some_and(|given| {
            values.is_empty() || values.iter().any(|value| value.eq_ignore_ascii_case(given))
        })
    })
}

fn annotation<'a>(object: &Object<'a>, name: &str) -> Option<&'a str> {
    object.annotations()?.get(name)?.as_str()
}
