//! Configuration as people write it, which speaks of credentials and holds none.

use super::super::*;

#[test]
fn configuration_that_speaks_of_credentials_holds_none() {
    for (key, text) in [
        ("oidc.yaml", "clientID: web\nclientSecret: $oidc.web.clientSecret\nscopes: [openid]\n"),
        (
            "i18n.json",
            "{\"login\": {\"password\": \"Passwort\", \"newPassword\": \"New password\", \"token\": \"Token\"}}",
        ),
        ("messages.properties", "login.password=Kennwort\nlabel.token=Kennung\n"),
        (
            "spring.yaml",
            "datasource: {username: '${DB_USER}', password: '${DB_PASSWORD:}'}\njwt: {token-validity: 3600, token-prefix: 'Bearer '}\n",
        ),
        (
            "server.properties",
            "ssl.keystore.password=${file:/opt/pw:keystore}\npassword.encoder.iterations=4096\ndelegation.token.max.lifetime.ms=604800000\n",
        ),
        ("redis.conf", "# requirepass sunflower\nport 6379\n"),
        ("app.env", "# DB_PASSWORD=sunflower\nDB_HOST=db\n"),
        (
            "rules.yaml",
            "groups:\n- name: a\n  rules:\n  - alert: TokenExpired\n    expr: sum(rate(token_requests_total{token=\"abc\"}[5m])) > 1\n",
        ),
        (
            "fluent.conf",
            "<match **>\n  user \"#{ENV['U']}\"\n  password \"#{ENV['P']}\"\n</match>\n",
        ),
        ("envoy.yaml", "token_bucket: {max_tokens: 10, tokens_per_fill: 1}\n"),
        (
            "run.sh",
            "TOKEN=$(cat /var/run/token)\nPASSWORD=\"$(openssl rand -hex 12)\"\nSECRET_NAME=my-secret\ncurl -u \"${U}:${P}\" -H \"Authorization: Bearer $TOKEN\" https://x\ndocker run -u 1000:1000 x\n",
        ),
        (
            "main.py",
            "token = os.environ[\"TOKEN\"]\npassword = config.get(\"password\")\nclient = Client(token=token, api_key=settings.API_KEY)\n",
        ),
        (
            "known_hosts",
            "git.example.net ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCj7ndNxQowgcQnjshcLrqP",
        ),
        (
            "realm.json",
            "{\"accessTokenLifespan\": 300, \"passwordPolicy\": \"length(8)\", \"clientAuthenticatorType\": \"client-secret\"}",
        ),
        (
            "tokens.json",
            "{\"bos_token\": \"<s>\", \"pad_token\": \"[PAD]\", \"sep_token\": \"[SEP]\"}",
        ),
        (
            "schema.yaml",
            "properties:\n  password: {type: string, description: 'Use a Secret: better'}\n",
        ),
        (
            "jwks",
            "{\"keys\": [{\"e\": \"AQAB\", \"kty\": \"RSA\", \"n\": \"xAE7eB6qugXyCAG3yhh7pkDkT65pHymX\"}]}",
        ),
        ("GIT_SHA", "9f8e7d6c5b4a39281706f5e4d3c2b1a0ffee1122"),
        ("PASSWORD_HASHER", "bcrypt"),
        ("TOKEN_ISSUER", "https://token.example.net"),
        ("COOKIE_NAME", "session_token"),
        ("CACHE_KEY", "v2-build"),
        ("SECRET_STORE", "vault"),
        ("DB_PASSWORD", "team/shop/db-main"),
    ] {
        let search = search(key, text, Style::Values);
        assert_eq!(search.found, [], "{key}");
    }
}
