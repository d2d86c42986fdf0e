//! What is found, what is not, and that no value is ever shown.

mod harmless;
mod properties;

use super::*;

/// What a text under a name holds: each with its place and confidence.
fn found(name: &str, text: &str, style: Style) -> Vec<String> {
    let search = search(name, text, style);
    let shown = |found: &Found| {
        let place = found.inside.as_deref().map(|place| format!(" @ {place}")).unwrap_or_default();
        format!("{} {:?}{place}", found.hit.what, found.hit.confidence)
    };
    search.found.iter().map(shown).collect()
}

fn values(name: &str, text: &str) -> Vec<String> {
    found(name, text, Style::Values)
}

/// Letters and digits as chance has them.
fn random(length: usize) -> String {
    "k3Zq8Rf1Xw5Tb7Mv2Yd9Hn4Lc6Ps0Jg".chars().cycle().take(length).collect()
}

#[test]
fn credentials_with_a_shape_are_found_in_any_text() {
    let hex: String = "3f9a0c7d1e8b5264".chars().cycle().take(64).collect();
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END", random(64));
    for (text, expected) in [
        (concat!("use ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17 here"), "a GitHub token Proven"),
        (concat!("AKI", "AQ7RZ2PV9XT4MWC5L"), ""),
        (concat!("AKI", "AQ7RZ2PV6XT4MWC5L"), "an AWS access key id Named"),
        (&format!("AIza{}", random(35)), "a Google API key Shaped"),
        (
            &format!("AccountName=a;AccountKey={}==;", random(86)),
            "an Azure storage account key Shaped",
        ),
        (&format!("glpat-{}", random(20)), "a GitLab token Shaped"),
        (&format!("npm_{}", random(36)), "an npm token Shaped"),
        (&format!("xoxb-{}", random(40)), "a Slack token Shaped"),
        (&format!("sk_live_{}", random(24)), "a Stripe key Shaped"),
        (&format!("SG.{}.{}", random(22), random(43)), "a SendGrid key Shaped"),
        (&format!("dop_v1_{hex}"), "a DigitalOcean token Shaped"),
        (&format!("hvs.{}", random(90)), "a Vault token Shaped"),
        (&format!("abc.atlasv1.{}", random(64)), "a Terraform Cloud token Shaped"),
        (&format!("sk-ant-api03-{}", random(93)), "an Anthropic key Shaped"),
        (&format!("Bearer {}", random(30)), "a bearer token Shaped"),
        ("Basic c2hvcDptWHE3LWR1bmU=", "basic authentication with a password Proven"),
        ("postgres://shop:mXq7@db/shop", "an address with a password Shaped"),
        ("postgres://user:password@db:5432/shop", "an address with a password Shaped"),
        ("shop:mXq7@tcp(db:3306)/shop", "an address with a password Shaped"),
        ("jdbc:oracle:thin:shop/mXq7@db:1521/shop", "an address with a password Shaped"),
        (
            &format!("https://a.blob.core.windows.net/c?sv=2022-11-02&sig={}%3D", random(43)),
            "an Azure shared access signature Shaped",
        ),
        (&format!("7493016825:AA{}", random(33)), "a Telegram bot's token Shaped"),
        (&format!("sk-or-v1-{hex}"), "an OpenRouter key Shaped"),
        (&format!("nvapi-{}", random(64)), "an NVIDIA key Shaped"),
        (&format!("admin:$2y$10${}", random(53)), "a hash of a password Shaped"),
        (&key, "a private key Shaped @ line 1"),
        (&key.replace('\n', "\\n"), "a private key Shaped"),
    ] {
        let expected: Vec<&str> = [expected].into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(values("", text), expected, "{text}");
    }
}

#[test]
fn tokens_that_prove_nothing_are_none() {
    for text in [
        // A wrong checksum, and keys of documentations.
        concat!("ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18"),
        concat!("AKI", "AIOSFODNN7EXAMPLE"),
        "glpat-xxxxxxxxxxxxxxxxxxxx",
        "sk_live_abcdefghijklmnopqrstuvwx",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQG\n",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo\n",
        "The first PEM block is a PRIVATE KEY block",
        "https://user:password@host/path",
        "jdbc:oracle:thin:@db:1521/shop",
        "jdbc:oracle:thin:${USER}/${PASSWORD}@db:1521/shop",
        "https://a.example.net/?sig=k3Zq8Rf1Xw5Tb7Mv2Yd9Hn4Lc6Ps0Jgk3Zq8Rf1Xw5T",
        "1234:AAk3Zq8Rf1Xw5Tb7Mv2Yd9Hn4Lc6Ps0Jgk3",
        "https://docs.example.com/a@b:c",
        "git@github.com:org/repo.git",
        "postgres://$(USER):$(PASSWORD)@db/shop",
        "postgres://shop:$PASSWORD@db/shop",
        "Basic authentication is used here",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ] {
        assert_eq!(values("", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_service_account_token_is_known_by_its_claims() {
    let token = |claims: &str| {
        let part = |text: &str| {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        };
        format!("{}.{}.{}", part("{\"alg\":\"RS256\"}"), part(claims), random(86))
    };
    let of_account = token("{\"sub\":\"system:serviceaccount:shop:web\"}");
    assert_eq!(values("x", &of_account), ["a service account's token Proven"]);
    assert_eq!(values("x", &token("{\"sub\":\"me\"}")), ["a JSON Web Token Proven"]);
    assert_eq!(values("x", &token("{\"sub\":\"1234567890\"}")), Vec::<String>::new());
}

#[test]
fn a_name_tells_a_credential_from_its_value() {
    for (name, value) in [
        ("MYSQL_ROOT_PASSWORD", "admin"),
        ("MYSQL_PASSWORD", "root-password"),
        ("PGPASSWORD", "12345678"),
        ("SECRET_BLAH", "secretsquirrels"),
        ("MINIO_SECRET_KEY", "minio123"),
        ("AZURE_BATCH_KEY", "abc123"),
    ] {
        assert_eq!(values(name, value).len(), 1, "{name}={value}");
    }
    for (name, value) in [
        ("PASSWORD", ""),
        ("PASSWORD", "true"),
        ("PASSWORD", "12"),
        ("PASSWORD", "${PASSWORD}"),
        ("PASSWORD", "$(PASSWORD)"),
        ("PASSWORD", "{{ .Values.password }}"),
        ("PASSWORD", "$PASSWORD"),
        ("PASSWORD", "<your password>"),
        ("PASSWORD", "vault:secret/data/web#password"),
        ("PASSWORD", "ref+awsssm://web/password"),
        ("PASSWORD", "ENC[AES256_GCM,data:abc=,iv:x,type:str]"),
        ("PASSWORD", "/run/secrets/password"),
        ("password", "Password"),
        ("AUTH_METHOD", "password"),
        ("GITHUB_TOKEN", "github-token"),
        ("TOKEN", "/var/run/token"),
        ("privateKey", "/etc/certs/client_private_key.pem"),
        ("PRIVATE_KEY", "certs/client_private_key_v2"),
        ("TOKEN", "ServiceAccountTokenVolumeProjection"),
        ("API_SECRET", "projects/1/secrets/api"),
        ("TLS_SECRET", "shop-tls"),
        ("PASSWORD_SECRET", "dbsecret"),
        ("PASSWORD", "$__file{/etc/secrets/password}"),
        ("PASSWORD", "{cipher}9f8e7d6c5b4a39281706f5e4d3c2b1a0"),
        ("SECRET", "ServiceAccountToken"),
        ("ACCESS_KEY", "minio"),
        ("TOKEN_TTL", "3600"),
        ("TOKEN", "15m"),
        ("JWT_SECRET", "https://issuer/keys"),
    ] {
        assert_eq!(values(name, value), Vec::<String>::new(), "{name}={value}");
    }
}

#[test]
fn placeholders_are_told_from_credentials() {
    for value in ["changeme", "change-me", "xxxxx", "***", "your-password", "REDACTED", "PASSWORD"]
    {
        let search = search("DB_PASSWORD", value, Style::Values);
        assert!(search.found.is_empty() && search.has_placeholder, "{value}");
    }
    let key = "---BEGIN OPENSSH PRIVATE KEY---\nxxxxx\n---END OPENSSH PRIVATE KEY---\n";
    let search = search("key", key, Style::Values);
    assert!(search.found.is_empty() && search.has_placeholder);
}

#[test]
fn files_are_read_in_their_own_format() {
    for (text, expected) in [
        ("a=1\ndb.password = sunflower\n", "a password Named @ line 2"),
        ("[db]\npassword: sunflower\n", "a password Named @ line 2"),
        ("export DB_PASSWORD='sunflower'\nrun\n", "a password Named @ line 1"),
        ("db:\n  password: sunflower\n", "a password Named @ db.password"),
        ("db:\n  password: 123456\n", "a password Named @ db.password"),
        ("{\"db\": {\"password\": \"sunflower\"}}", "a password Named @ db.password"),
        ("users:\n- name: a\n  password: sunflower\n", "a password Named @ users[0].password"),
        ("env:\n- name: PASSWORD\n  value: sunflower\n", "a password Named @ env[0].value"),
        ("<a>\n<password>sunflower</password></a>", "a password Named @ line 2"),
        ("<p>\n<name>x.password</name><value>sunflower</value></p>", "a password Named @ line 2"),
        (
            "Server {\n Plain required { username=\"a\" password=\"sunflower\"; };\n",
            "a password Named @ line 2",
        ),
        ("port 6379\nrequirepass sunflower\n", "a password Named @ line 2"),
        ("--\nCREATE USER a WITH PASSWORD 'sunflower';\n", "a password Named @ line 2"),
        ("ALTER USER a IDENTIFIED BY 'sunflower';", "a password Named"),
        ("<?php\ndefine( 'DB_PASSWORD', 'sunflower' );\n", "a password Named @ line 2"),
        ("output { user => \"a\" password => \"sunflower\" }", "a password Named"),
        ("listen stats\n  stats auth admin:sunflower\n", "a password Named @ line 2"),
        ("userlist a\n  user shop insecure-password sunflower\n", "a password Named @ line 2"),
        ("{\"password\": [\"sunflower\"]}", "a password Named @ password"),
        (
            "{\"keys\": [{\"kty\": \"EC\", \"x\": \"a\", \"d\": \"jpsQnnGQmLYBIffH1136cspYG6\"}]}",
            "a private JSON Web Key Proven @ keys[0].d",
        ),
        (
            "{\"kty\": \"oct\", \"k\": \"jpsQnnGQmLYBIffH1136cspYG6\"}",
            "a private JSON Web Key Proven @ k",
        ),
        ("x;\nproxy_set_header X-Token \"sunflower\";\n", "a secret, token or key Named @ line 2"),
        (
            "{\"database\": \"Server=db;User Id=sa;Password=sunflower;\"}",
            "a password Named @ database",
        ),
        ("#!/bin/sh\nmysql -u root -psunflower\n", "a password Named @ line 2"),
        ("#!/bin/sh\ncurl -u shop:sunflower https://x\n", "a password Named @ line 2"),
        ("kubectl create secret generic a --from-literal=password=sunflower", "a password Named"),
    ] {
        assert_eq!(values("file", text), [expected], "{text}");
    }
}

#[test]
fn programs_and_prose_hold_no_credentials_by_their_words() {
    for text in [
        "password = getpass()\ntoken = args.token\nlogin(token=token, password=password)\n",
        "PASSWORD=$(cat /run/password)\necho \"$PASSWORD\"\n",
        "if [ \"$TOKEN\" == \"token\" ]; then\n  exit 1\nfi\n",
        "mysql -u$$MYSQL_USER -p$$MYSQL_ROOT_PASSWORD -e 'SELECT 1'",
        "The password: a word that opens the door.\n",
        "define('DB_PASSWORD', getenv('DB_PASSWORD'));\nparams = { :password => params[:password] }\n",
        "ALTER USER a WITH PASSWORD '${PASSWORD}';\n",
        "labels:\n  secret: [spec, secretName]\n  password: [spec, passwords, first]\n",
        "{\"keys\": [{\"kty\": \"EC\", \"x\": \"jpsQnnGQmLYBIffH1136cspYG6\", \"y\": \"a\"}]}",
        "vttablet -port 80 -log_dir x",
        "bearer_token_file: /var/run/secrets/kubernetes.io/serviceaccount/token\n",
        "login:\n  label:\n    password: Password\n",
    ] {
        assert_eq!(values("file", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn kubeconfigs_and_docker_configurations_are_told_by_their_whole() {
    let kubeconfig = format!(
        "clusters: []\ncontexts: []\nusers:\n- name: a\n  user: {{token: {}}}\n",
        random(40)
    );
    let sort = |text: &str| search("config", text, Style::Values).found.first().map(|f| f.hit.sort);
    assert_eq!(sort(&kubeconfig), Some(Sort::Kubeconfig));
    let docker = "{\"auths\": {\"r.example.net\": {\"auth\": \"c2hvcDptWHE3LWR1bmU=\"}}}";
    assert_eq!(sort(docker), Some(Sort::DockerConfig));
    let older = "{\"https://r.example.net\": {\"auth\": \"c2hvcDptWHE3LWR1bmU=\"}}";
    assert_eq!(sort(older), Some(Sort::DockerConfig));
    assert_eq!(
        values("config", docker),
        ["a registry's credential Proven @ registry r.example.net"]
    );
}

#[test]
fn base64_is_opened_twice_and_no_more() {
    use base64::Engine;
    let wrap = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let (once, twice) =
        (wrap("postgres://shop:mXq7@db/shop"), wrap(&wrap("postgres://shop:mXq7@db/shop")));
    assert_eq!(values("x", &once), ["an address with a password Shaped @ base64"]);
    assert_eq!(values("x", &twice), ["an address with a password Shaped @ base64, base64"]);
    assert_eq!(values("x", &wrap(&twice)), Vec::<String>::new());
}

#[test]
fn in_custom_resources_a_secret_is_mostly_named() {
    let references = |name: &str, text: &str| found(name, text, Style::References).len();
    assert_eq!(references("password", "sunflower"), 1);
    assert_eq!(references("secret", "sunflower"), 0);
    assert_eq!(references("token", &random(32)), 1);
    let reference = "auth:\n  passwordSecret:\n    secretName: web\n    password: password\n";
    assert_eq!(references("values", reference), 0);
}

#[test]
fn the_words_of_a_command_are_read_together() {
    let places = |words: &[&str]| -> Vec<usize> {
        search_arguments(words).into_iter().map(|(index, _)| index).collect()
    };
    assert_eq!(places(&["run", "--password", "sunflower"]), [2]);
    assert_eq!(places(&["run", "--password=sunflower"]), [1]);
    assert_eq!(places(&["redis-cli", "-a", "sunflower", "ping"]), [2]);
    assert_eq!(places(&["sh", "-c", "PASSWORD=sunflower run"]), [2]);
    assert_eq!(places(&["run", "--password", "--verbose"]), [0; 0]);
    assert_eq!(places(&["run", "--password-file", "/run/password"]), [0; 0]);
    assert_eq!(places(&["run", "--cookie-secret=SECRET", "--token", "$(TOKEN)"]), [0; 0]);
}
