//! Credentials that their makers gave a recognisable shape: one table.

use std::sync::LazyLock;

use super::Confidence::{self, Named, Proven, Shaped};
use super::checksum::{ends_in_crc32, is_bech32};
use super::values::{distinct, has_run};

/// The shape of one sort of credential: a prefix, then a number of characters of an alphabet.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) what: &'static str,
    pub(super) prefix: &'static str,
    alphabet: fn(u8) -> bool,
    least: usize,
    most: usize,
    holds: fn(&str) -> bool,
    pub(super) confidence: Confidence,
}

/// No credential of a table is longer: a bound on how far one is read.
const LONGEST: usize = 512;

const fn shape(
    what: &'static str,
    prefix: &'static str,
    alphabet: fn(u8) -> bool,
    (least, most): (usize, usize),
) -> Shape {
    Shape { what, prefix, alphabet, least, most, holds: always, confidence: Shaped }
}

const fn proven(shape: Shape, holds: fn(&str) -> bool) -> Shape {
    Shape { holds, confidence: Proven, ..shape }
}

const fn named(shape: Shape) -> Shape {
    Shape { confidence: Named, ..shape }
}

const fn only(shape: Shape, holds: fn(&str) -> bool) -> Shape {
    Shape { holds, ..shape }
}

/// All shapes.
static SHAPES: &[Shape] = &[
    // Clouds. An id opens nothing without its key, and some operators want it in plain text.
    named(shape("an AWS access key id", "AKIA", base32, (16, 16))),
    named(shape("an AWS access key id", "ASIA", base32, (16, 16))),
    named(shape("an Alibaba Cloud access key id", "LTAI", alnum, (20, 20))),
    shape("a Google API key", "AIza", url64, (35, 35)),
    shape("a Google OAuth client secret", "GOCSPX-", url64, (28, 28)),
    shape("a Google OAuth token", "ya29.", url64, (60, LONGEST)),
    shape("an Azure storage account key", "AccountKey=", base64, (88, 88)),
    shape("an Azure shared access key", "SharedAccessKey=", base64, (44, 44)),
    shape("a DigitalOcean token", "dop_v1_", hex, (64, 64)),
    shape("a DigitalOcean token", "doo_v1_", hex, (64, 64)),
    shape("a DigitalOcean token", "dor_v1_", hex, (64, 64)),
    shape("a Heroku API key", "HRKU-AA", url64, (50, 70)),
    shape("a Fly.io token", "fm2_", base64, (60, LONGEST)),
    // Code and packages.
    proven(shape("a GitHub token", "ghp_", alnum, (36, 36)), ends_in_crc32),
    proven(shape("a GitHub token", "gho_", alnum, (36, 36)), ends_in_crc32),
    proven(shape("a GitHub token", "ghu_", alnum, (36, 36)), ends_in_crc32),
    proven(shape("a GitHub token", "ghs_", alnum, (36, 36)), ends_in_crc32),
    proven(shape("a GitHub token", "ghr_", alnum, (36, 36)), ends_in_crc32),
    shape("a GitHub token", "github_pat_", name, (82, 82)),
    shape("a GitLab token", "glpat-", url64, (20, 64)),
    shape("a GitLab token", "gldt-", url64, (20, 64)),
    shape("a GitLab token", "glrt-", url64, (20, 64)),
    shape("a GitLab token", "glptt-", url64, (20, 64)),
    shape("a GitLab token", "glcbt-", url64, (20, 80)),
    shape("a GitLab token", "glsoat-", url64, (20, 64)),
    shape("a GitLab token", "glagent-", url64, (50, 64)),
    shape("an npm token", "npm_", alnum, (36, 36)),
    shape("a PyPI token", "pypi-AgEIcHlwaS5vcmc", url64, (50, LONGEST)),
    shape("a RubyGems key", "rubygems_", hex, (48, 48)),
    shape("a Docker Hub token", "dckr_pat_", url64, (27, 27)),
    shape("an Artifactory key", "AKCp", alnum, (69, 69)),
    shape("a Bitbucket or Jira token", "ATATT3xFfGF0", padded64, (60, LONGEST)),
    shape("a Bitbucket token", "ATBB", alnum, (32, 32)),
    shape("a SonarQube token", "sqp_", hex, (40, 40)),
    shape("a SonarQube token", "squ_", hex, (40, 40)),
    shape("a SonarQube token", "sqa_", hex, (40, 40)),
    shape("a CircleCI token", "CCIPAT_", name, (60, 70)),
    shape("a Buildkite token", "bkua_", hex, (40, 40)),
    // Infrastructure.
    shape("a Vault token", "hvs.", url64, (24, LONGEST)),
    shape("a Vault token", "hvb.", url64, (100, LONGEST)),
    shape("a Vault token", "hvr.", url64, (24, LONGEST)),
    shape("a Terraform Cloud token", ".atlasv1.", url64, (60, 70)),
    shape("a Pulumi token", "pul-", hex, (40, 40)),
    shape("a Doppler token", "dp.pt.", alnum, (40, 44)),
    shape("a Doppler token", "dp.st.", dotted, (40, 80)),
    shape("a Tailscale key", "tskey-", url64, (20, 80)),
    shape("a Databricks token", "dapi", hex, (32, 34)),
    shape("a PlanetScale password", "pscale_pw_", dotted, (32, 64)),
    shape("a PlanetScale token", "pscale_tkn_", dotted, (32, 64)),
    shape("a Supabase token", "sbp_", hex, (40, 40)),
    proven(shape("an age secret key", "AGE-SECRET-KEY-1", alnum, (58, 58)), is_age_key),
    // Monitoring.
    shape("a Grafana service account token", "glsa_", name, (41, 41)),
    shape("a Grafana Cloud token", "glc_", padded64, (32, 400)),
    shape("a New Relic key", "NRAK-", alnum, (27, 27)),
    shape("a Sentry token", "sntrys_", padded64, (80, LONGEST)),
    shape("a Sentry token", "sntryu_", hex, (64, 64)),
    shape("a Dynatrace token", "dt0c01.", dotted, (89, 89)),
    shape("a Postman key", "PMAK-", url64, (59, 59)),
    // Messages and payments.
    shape("a Slack token", "xoxb-", url64, (24, 120)),
    shape("a Slack token", "xoxp-", url64, (24, 120)),
    shape("a Slack token", "xoxa-", url64, (24, 120)),
    shape("a Slack token", "xoxr-", url64, (24, 120)),
    shape("a Slack token", "xoxs-", url64, (24, 120)),
    shape("a Slack token", "xapp-1-", url64, (40, 160)),
    shape("a Slack webhook address", "hooks.slack.com/services/T", path, (30, 60)),
    shape("a Discord webhook address", "discord.com/api/webhooks/", path, (78, 100)),
    only(shape("a SendGrid key", "SG.", dotted, (66, 66)), is_sendgrid),
    shape("a Twilio key", "SK", lower_hex, (32, 32)),
    shape("a Mailgun key", "key-", lower_hex, (32, 32)),
    shape("a Stripe key", "sk_live_", alnum, (16, 120)),
    shape("a Stripe key", "rk_live_", alnum, (16, 120)),
    shape("a Stripe test key", "sk_test_", alnum, (16, 120)),
    shape("a Stripe webhook secret", "whsec_", base64, (32, 64)),
    shape("a Shopify token", "shpat_", hex, (32, 32)),
    shape("a Square token", "sq0atp-", url64, (22, 22)),
    shape("a Square secret", "sq0csp-", url64, (43, 43)),
    // Models.
    shape("an OpenAI key", "sk-proj-", url64, (40, 200)),
    shape("an OpenAI key", "sk-svcacct-", url64, (40, 200)),
    only(shape("an OpenAI key", "sk-", alnum, (48, 48)), is_openai),
    shape("an Anthropic key", "sk-ant-api03-", url64, (80, 110)),
    shape("an Anthropic key", "sk-ant-admin01-", url64, (80, 110)),
    shape("a Hugging Face token", "hf_", alpha, (34, 34)),
    shape("a Replicate token", "r8_", alnum, (37, 37)),
    shape("a Groq key", "gsk_", alnum, (52, 52)),
    shape("an xAI key", "xai-", alnum, (80, 80)),
    shape("a Perplexity key", "pplx-", alnum, (48, 48)),
    shape("an OpenRouter key", "sk-or-v1-", hex, (64, 64)),
    shape("an NVIDIA key", "nvapi-", url64, (60, 80)),
    // Work.
    shape("a Microsoft Teams webhook address", "webhook.office.com/webhookb2/", address, (80, 300)),
    shape("a Linear key", "lin_api_", alnum, (40, 40)),
    shape("a Notion token", "ntn_", alnum, (43, 50)),
];

/// The shapes whose prefix starts with a byte.
pub(super) fn starting_with(byte: u8) -> &'static [&'static Shape] {
    static BY_FIRST: LazyLock<Vec<Vec<&'static Shape>>> = LazyLock::new(|| {
        let of =
            |byte: u8| SHAPES.iter().filter(move |s| s.prefix.as_bytes().first() == Some(&byte));
        (0..=u8::MAX).map(|byte| of(byte).collect()).collect()
    });
    BY_FIRST.get(usize::from(byte)).map(Vec::as_slice).unwrap_or_default()
}

impl Shape {
    /// The credential whose prefix ends where this text starts: the length of its body.
    pub(super) fn body(&self, rest: &str) -> Option<usize> {
        let most = self.most.min(LONGEST);
        let bytes = rest.bytes().take(most + 1);
        let length = bytes.take_while(|byte| (self.alphabet)(*byte)).count();
        let body = rest.get(..length).filter(|_| (self.least..=most).contains(&length))?;
        (is_no_example(body) && (self.holds)(body)).then_some(length)
    }
}

/// Whether a body looks like chance, not like documentation.
pub(super) fn is_no_example(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    let words = ["example", "xxxx", "your", "redacted", "placeholder", "changeme"];
    distinct(body.as_bytes()) >= 6
        && !has_run(body.as_bytes())
        && !words.iter().any(|word| lower.contains(word))
}

fn always(_: &str) -> bool {
    true
}

fn is_age_key(body: &str) -> bool {
    is_bech32("age-secret-key-", body)
}

/// Two parts, of 22 and 43 characters.
fn is_sendgrid(body: &str) -> bool {
    body.split_once('.').is_some_and(|(id, secret)| id.len() == 22 && secret.len() == 43)
}

/// Keys of before 2024 have a mark in the middle.
fn is_openai(body: &str) -> bool {
    body.contains("T3BlbkFJ")
}

fn alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn alpha(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
}

fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')
}

fn base32(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7')
}

fn name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn url64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn padded64(byte: u8) -> bool {
    url64(byte) || base64(byte)
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn dotted(byte: u8) -> bool {
    url64(byte) || byte == b'.'
}

fn address(byte: u8) -> bool {
    path(byte) || byte == b'@'
}

fn path(byte: u8) -> bool {
    url64(byte) || byte == b'/'
}
