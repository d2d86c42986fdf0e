//! Hides what looks like a credential before it leaves the process that read it.

/// What stands in for a hidden value.
pub const REDACTED: &str = "«redacted»";

/// Words before `=`, `:` or a space after which a value is a secret.
const SECRET_WORDS: [&str; 11] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "authorization",
    "bearer",
    "private-key",
    "access-key",
];

/// Replaces values that look like credentials: what follows a word such as `--password`, user
/// information in a URL, bearer tokens and JSON Web Tokens. Words and flags stay, so that a reader sees
/// what was done.
pub fn redact(text: &str) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut hide_next = false;
    for word in text.split(' ') {
        if hide_next && !word.is_empty() && !word.starts_with('-') {
            hide_next = names_a_secret(word);
            shown.push(if hide_next { word.to_owned() } else { REDACTED.to_owned() });
        } else {
            hide_next = names_a_secret(word);
            shown.push(redact_word(word));
        }
    }
    shown.join(" ")
}

/// Whether a flag or header name announces a secret as the next word: `--token`, `Authorization:`,
/// `Bearer`. A path that happens to hold the word does not.
fn names_a_secret(word: &str) -> bool {
    let bare = word.trim_matches(['-', ':', '"', '\'']).to_ascii_lowercase();
    let is_flag = word.starts_with('-') || word.ends_with(':') || bare == "bearer";
    is_flag && SECRET_WORDS.iter().any(|secret| bare.ends_with(secret))
}

fn redact_word(word: &str) -> String {
    if let Some(at) = word.find(['=', ':']) {
        let (name, rest) = word.split_at_checked(at).unwrap_or((word, ""));
        let lower = name.to_ascii_lowercase();
        let value_follows = rest.len() > 1 && !rest.starts_with("://");
        if value_follows && SECRET_WORDS.iter().any(|secret| lower.ends_with(secret)) {
            let separator = rest.chars().next().unwrap_or('=');
            return format!("{name}{separator}{REDACTED}");
        }
    }
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((userinfo, host)) = rest.split_once('@')
        && !userinfo.contains('/')
        && userinfo.contains(':')
    {
        return format!("{scheme}://{REDACTED}@{host}");
    }
    if is_json_web_token(word) { REDACTED.to_owned() } else { word.to_owned() }
}

/// Three base64url parts, of which the first is a JSON object (`eyJ`).
fn is_json_web_token(word: &str) -> bool {
    let bare = word.trim_matches(['"', '\'']);
    bare.starts_with("eyJ") && bare.len() > 40 && bare.matches('.').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_and_the_rest_stays() {
        let jwt = format!("eyJ{}.{}.{}", "a".repeat(20), "b".repeat(20), "c".repeat(20));
        for (text, shown) in [
            ("mysql --password=hunter2 -h db", "mysql --password=«redacted» -h db"),
            ("mysql --password hunter2 -h db", "mysql --password «redacted» -h db"),
            ("psql postgres://app:pw@db/x", "psql postgres://«redacted»@db/x"),
            ("curl -H Authorization: Bearer abc", "curl -H Authorization: Bearer «redacted»"),
            ("DB_PASSWORD=x env", "DB_PASSWORD=«redacted» env"),
            (jwt.as_str(), "«redacted»"),
        ] {
            assert_eq!(redact(text), shown);
        }
        for harmless in [
            "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
            "curl -sk https://10.96.0.1/api",
            "sh -c id; uname -a",
            "/tmp/.x -o stratum+tcp://pool.example.net:3333",
        ] {
            assert_eq!(redact(harmless), harmless);
        }
    }
}
