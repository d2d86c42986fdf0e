//! By which terms events are judged: people's own rules, what is authorised, and what is known of each cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use airside_config::ByteSize;
use airside_detect::address::{AddressSet, Network};
use airside_detect::audit::{Known, KnownBy};
use airside_detect::authorised::Authorised;
use airside_detect::profile::{AddressFeed, ClusterProfile, Provider};
use airside_sigma::{Problem, RuleSet};
use airside_terms::DetectionTermsOfTenants;
use airside_types::{Cluster, RuleFile, RuleFiles, Tenant, TermFilesOfTenants};
use anyhow::Context;

use crate::options::{ClusterOptions, FeedOptions, ProviderOption};

/// The terms of all tenants and clusters. Those that nobody describes have the default ones.
#[derive(Debug, Default)]
pub struct Judging {
    terms: DetectionTermsOfTenants,
    /// The rules of tenants that have set some besides.
    set: RwLock<BTreeMap<Tenant, Arc<SetRules>>>,
    profiles: BTreeMap<(Tenant, Cluster), Numbered>,
    known: Known,
}

impl Judging {
    /// Reads the files of terms and feeds.
    pub(crate) fn read(
        files: &TermFilesOfTenants,
        clusters: &[ClusterOptions],
        known: ByteSize,
    ) -> anyhow::Result<Self> {
        let mut profiles = BTreeMap::new();
        for (number, cluster) in (1..).zip(clusters) {
            let at = || format!("`audit-ingest.clusters` {}", cluster.name);
            let tenant = Tenant::new(&cluster.tenant).with_context(at)?;
            let name = Cluster::new(&cluster.name).with_context(at)?;
            let profile = profile(cluster).with_context(at)?;
            if profiles.insert((tenant, name), Numbered { number, profile }).is_some() {
                anyhow::bail!("{} is described twice", at());
            }
        }
        let terms = DetectionTermsOfTenants::read(files)?;
        let known = Known::new(known.as_usize());
        Ok(Self { terms, set: RwLock::default(), profiles, known })
    }

    /// What is known of requests that came more than once.
    pub(crate) const fn known(&self) -> &Known {
        &self.known
    }

    /// What is known of a cluster, and of requests that were judged by that.
    pub(crate) fn of(&self, tenant: &Tenant, cluster: &Cluster) -> (&ClusterProfile, KnownBy<'_>) {
        let described = self.profiles.get(&(tenant.clone(), cluster.clone()));
        let undescribed = || (ClusterProfile::unknown(), self.known.by(UNDESCRIBED));
        described.map_or_else(undescribed, |it| (&it.profile, self.known.by(it.number)))
    }

    /// What is known of a cluster.
    pub(crate) fn profile(&self, tenant: &Tenant, cluster: &Cluster) -> &ClusterProfile {
        self.of(tenant, cluster).0
    }

    /// A tenant's own rules: those of the settings, with those that it has set.
    pub(crate) fn rules(&self, tenant: &Tenant) -> Arc<RuleSet> {
        let set = self.set_by(tenant);
        set.map_or_else(|| Arc::clone(&self.terms.of(tenant).rules), |set| Arc::clone(&set.rules))
    }

    /// What a tenant has set.
    pub(crate) fn set_by(&self, tenant: &Tenant) -> Option<Arc<SetRules>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// What a tenant's rules would be with these files, and what is wrong with them.
    pub(crate) fn with(&self, tenant: &Tenant, files: &[RuleFile]) -> (RuleSet, Vec<Problem>) {
        self.terms.of(tenant).rules_with(files)
    }

    /// Takes over what a tenant has set. It was looked at when it was set; where the settings have changed since then, a
    /// rule that no longer fits in is left out and told to the operator.
    pub(crate) fn set(&self, set: RuleFiles) {
        let RuleFiles { tenant, files } = set;
        let (rules, problems) = self.with(&tenant, &files);
        for problem in problems.iter().filter(|it| it.is_error()) {
            tracing::error!(%tenant, %problem, "a rule that was set cannot be used");
        }
        let mut all = self.set.write().unwrap_or_else(PoisonError::into_inner);
        if files.is_empty() {
            all.remove(&tenant);
        } else {
            all.insert(tenant, Arc::new(SetRules { files, rules: Arc::new(rules) }));
        }
    }

    /// What a tenant declares as authorised.
    pub(crate) fn authorised(&self, tenant: &Tenant) -> &Authorised {
        &self.terms.of(tenant).authorised
    }
}

/// What is known of a cluster that somebody describes, and the number under which requests to it are known.
#[derive(Debug)]
struct Numbered {
    number: u64,
    profile: ClusterProfile,
}

/// The number of the profile that all other clusters have.
const UNDESCRIBED: u64 = 0;

/// What a tenant has set.
#[derive(Debug)]
pub(crate) struct SetRules {
    /// The files.
    pub(crate) files: Vec<RuleFile>,
    /// All rules of the tenant.
    rules: Arc<RuleSet>,
}

fn profile(options: &ClusterOptions) -> anyhow::Result<ClusterProfile> {
    Ok(ClusterProfile {
        provider: match options.provider {
            ProviderOption::Unknown => Provider::Unknown,
            ProviderOption::OwnOperators => Provider::OwnOperators,
            ProviderOption::Eks => Provider::Eks,
            ProviderOption::Gke => Provider::Gke,
            ProviderOption::Aks => Provider::Aks,
        },
        trusted_proxies: options.trusted_proxies,
        proxies: networks("proxies", &options.proxies)?,
        nodes: networks("nodes", &options.nodes)?,
        pods: networks("pods", &options.pods)?,
        egress: networks("egress", &options.egress)?,
        system_namespaces: options.system_namespaces.clone(),
        sensitive_namespaces: options.sensitive_namespaces.clone(),
        feeds: options.feeds.iter().map(feed).collect::<anyhow::Result<_>>()?,
    })
}

fn networks<T: AsRef<str>>(what: &str, texts: &[T]) -> anyhow::Result<AddressSet> {
    let read = |text: &T| {
        text.as_ref().parse::<Network>().with_context(|| format!("`{what}`: `{}`", text.as_ref()))
    };
    texts.iter().map(read).collect()
}

/// The largest list of addresses, in bytes.
const MAX_FEED_BYTES: u64 = 64 << 20;

fn feed(options: &FeedOptions) -> anyhow::Result<AddressFeed> {
    let path = options.file.display();
    let size = std::fs::metadata(&options.file).with_context(|| format!("the feed {path}"))?.len();
    anyhow::ensure!(size <= MAX_FEED_BYTES, "the feed {path} has {size} bytes: too many");
    let text =
        std::fs::read_to_string(&options.file).with_context(|| format!("the feed {path}"))?;
    let entry = |line: &'_ str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let lines: Vec<String> = text.lines().map(entry).filter(|line| !line.is_empty()).collect();
    let addresses = networks("feed", &lines).with_context(|| format!("the feed {path}"))?;
    Ok(AddressFeed { name: options.name.clone(), addresses })
}

#[cfg(test)]
mod tests {
    use airside_service::intake::Received;
    use airside_types::Timestamp;
    use bytes::Bytes;

    use super::*;
    use crate::Options;

    /// Rules that all match one event, and show values of it that are as long as they may be.
    fn showing_much(detections: usize, correlations: usize) -> String {
        let fields: Vec<String> =
            (0..12).map(|number| format!("requestObject.data.v{number}")).collect();
        let items: String =
            fields.iter().map(|field| format!("    {field}|exists: true\n")).collect();
        let head = "level: low\ntags: [attack.impact]\n";
        let detection = |number| {
            format!(
                "title: Rule {number}\n{head}logsource: {{product: kubernetes, service: audit}}\n\
                 detection:\n  a:\n{items}  condition: a\n---\n"
            )
        };
        let correlation = |number| {
            format!(
                "title: Often {number}\n{head}generate: true\ncorrelation:\n  type: event_count\n  rules: [Rule 0]\n  \
                 group-by: [{}]\n  timespan: 1m\n  condition: {{gte: 2}}\n---\n",
                fields[..4].join(", ")
            )
        };
        (0..detections).map(detection).chain((0..correlations).map(correlation)).collect()
    }

    /// A sighting is not divided: its batch was refused with 413, and so was its body for ever.
    #[test]
    fn however_much_own_rules_show_of_one_event_its_sighting_fits_the_log() {
        let judging = Judging::default();
        let text = showing_much(100, 100);
        let files = vec![RuleFile { path: "own.yaml".into(), text }];
        judging.set(RuleFiles { tenant: Tenant::default(), files });
        assert_eq!(judging.rules(&Tenant::default()).listed().count(), 200);
        let data: Vec<String> = (0..12)
            .map(|number| format!(r#""v{number}":"{}""#, "\u{10348}".repeat(2_000)))
            .collect();
        let event = format!(
            r#"{{"kind":"Event","auditID":"1","verb":"create","user":{{"username":"mallory"}},"objectRef":{{"resource":"configmaps","namespace":"shop","name":"c"}},"responseStatus":{{"code":201}},"requestObject":{{"data":{{{}}}}}}}"#,
            data.join(",")
        );
        let received = Received {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            time: Timestamp::EPOCH,
            body: Bytes::from(event),
        };
        let understood = crate::understand(&received, &judging).unwrap();
        let [batch] = understood.sightings.as_slice() else { panic!("{understood:?}") };
        let size = airside_wire::encode_sightings(batch).unwrap().len();
        assert!((128 << 10..512 << 10).contains(&size), "{size}");
        let sighting = &batch.sightings[0];
        assert!(sighting.records.len() > 3 && sighting.candidates.len() > 3);
        // How many are left out is told.
        for (record, name) in [
            (sighting.records.last().unwrap(), "untold"),
            (&*sighting.candidates[0].record, "uncounted"),
        ] {
            let airside_types::Payload::Detection(detection) = &record.payload else { panic!() };
            assert!(detection.values.iter().any(|it| it.name == name), "{name}: {detection:?}");
        }
    }

    /// Of what comes for the first time nothing is kept.
    #[test]
    fn requests_are_known_from_their_second_time_on_as_far_as_the_settings_give_room() {
        let event = r#"{"kind":"Event","auditID":"1","verb":"create","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"c"},"responseStatus":{"code":201},"requestObject":{"data":{"a":"b"}},"requestReceivedTimestamp":"2026-11-20T10:00:00Z","stageTimestamp":"2026-11-20T10:00:00Z"}"#;
        for (room, known) in
            [(Options::default().known_requests, [0, 1, 1]), (ByteSize::mib(0), [0; 3])]
        {
            let judging = Judging::read(&TermFilesOfTenants::default(), &[], room).unwrap();
            let times = known.map(|_| {
                crate::understand(&crate::testing::received(event), &judging).unwrap();
                (judging.known().bodies(), judging.known().requests())
            });
            assert_eq!(times, known.map(|number| (number, number)), "{room}");
        }
    }

    /// What was found in one cluster is not taken for what is found in another one, of which other things are known.
    #[test]
    fn the_same_request_is_judged_by_what_is_known_of_its_cluster() {
        let event = r#"{"kind":"Event","auditID":"1","verb":"list","user":{"username":"system:serviceaccount:kube-system:coredns","groups":["system:serviceaccounts","system:serviceaccounts:kube-system"]},"sourceIPs":["203.0.113.7"],"objectRef":{"resource":"services"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-20T10:00:00Z","stageTimestamp":"2026-11-20T10:00:00Z"}"#;
        let own = ClusterOptions {
            name: "own".into(),
            tenant: Tenant::default().as_str().to_owned(),
            nodes: vec!["203.0.113.0/24".into()],
            ..ClusterOptions::default()
        };
        let files = TermFilesOfTenants::default();
        let judging = Judging::read(&files, &[own], ByteSize::mib(16)).unwrap();
        let told = |cluster: &str| {
            let cluster = Cluster::new(cluster).unwrap();
            let received = Received { cluster, ..crate::testing::received(event) };
            let understood = crate::understand(&received, &judging).unwrap();
            let sightings = understood.sightings.iter().flat_map(|batch| &batch.sightings);
            sightings.map(|sighting| sighting.records.len()).sum::<usize>()
        };
        for _ in 0..3 {
            assert_eq!((told("own"), told("elsewhere")), (0, 1));
        }
        assert_eq!(judging.known().requests(), 2);
    }

    #[test]
    fn what_is_known_of_a_cluster_is_read_from_settings_and_feeds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tor.txt");
        std::fs::write(&file, "# exits\n203.0.113.7\n198.51.100.0/24 # a whole one\n\n").unwrap();
        let prod = ClusterOptions {
            name: "prod".into(),
            tenant: "acme".into(),
            provider: ProviderOption::Aks,
            egress: vec!["192.0.2.0/24".into()],
            feeds: vec![FeedOptions { name: "tor".into(), file: file.clone() }],
            ..ClusterOptions::default()
        };
        let files = TermFilesOfTenants::default();
        let read = |files: &_, clusters: &_| Judging::read(files, clusters, ByteSize::mib(1));
        let judging = read(&files, std::slice::from_ref(&prod)).unwrap();
        let [acme, other] = ["acme", "other"].map(|name| Tenant::new(name).unwrap());
        let cluster = Cluster::new("prod").unwrap();
        let profile = judging.profile(&acme, &cluster);
        assert_eq!(profile.provider, Provider::Aks);
        for (address, warned) in
            [("203.0.113.7", true), ("198.51.100.9", true), ("192.0.2.9", false)]
        {
            let address = address.parse().unwrap();
            assert_eq!(profile.feeds[0].addresses.contains(address), warned, "{address}");
        }
        assert_eq!(judging.profile(&other, &cluster), ClusterProfile::unknown());

        let twice = read(&files, &[prod.clone(), prod.clone()]).unwrap_err();
        assert_eq!(twice.to_string(), "`audit-ingest.clusters` prod is described twice");
        let wrong = ClusterOptions { nodes: vec!["ten".into()], ..prod.clone() };
        let error = format!("{:#}", read(&files, &[wrong]).unwrap_err());
        assert!(error.starts_with("`audit-ingest.clusters` prod: `nodes`: `ten`"), "{error}");
        std::fs::write(&file, "no address\n").unwrap();
        let error = format!("{:#}", read(&files, &[prod]).unwrap_err());
        assert!(error.contains("tor.txt") && error.contains("`no address`"), "{error}");
    }
}
