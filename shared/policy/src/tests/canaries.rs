//! A canary of every shape, put together here so that no file holds a whole one.

/// `length` characters of the alphabet, the same each time and without an order that repeats.
pub(super) fn run(alphabet: &str, length: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 7_usize;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        letters[state / 65_536 % letters.len()]
    };
    (0..length).map(|_| next()).collect()
}

pub(super) fn hex(length: usize) -> String {
    run("0123456789abcdef", length)
}

pub(super) fn alnum(length: usize) -> String {
    run("ab3cd4EF5gh6IJ7kl8MN9pq0RSTuvwxyz12", length)
}

fn upper(length: usize) -> String {
    run("QPZRY9X8GF2TVDW0S3JN54KH", length)
}

/// (rule, text around it with `@` for the canary, the canary)
#[allow(clippy::too_many_lines, reason = "a table, one row for each shape")]
pub(super) fn canaries() -> Vec<(&'static str, &'static str, String)> {
    let with = |head: &str, tail: String| format!("{head}{tail}");
    let uuid = format!("{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12));
    let pem = |kind: &str| {
        let line = |word: &str| format!("-----{word} {kind}KEY-----");
        format!("{}\n{}\n{}", line("BEGIN"), alnum(64), line("END"))
    };
    let jwt = format!(
        "{}{}.{}{}.{}",
        "ey",
        with("J", alnum(20)),
        "ey",
        with("J", alnum(30)),
        alnum(43)
    );
    vec![
        ("aws-access-key", "key @ here", with("AKIA", upper(16))),
        ("aws-secret-key", "aws_secret_access_key = @", alnum(40)),
        ("aws-bedrock-key", "@", with("ABSK", alnum(120))),
        ("azure-client-secret", "x=@", with("a1b8Q~", alnum(32))),
        (
            "azure-storage-key",
            "AccountKey=@;EndpointSuffix",
            with(&alnum(86), "==".into()),
        ),
        (
            "cloudflare-origin-key",
            "@",
            format!("v1.0-{}-{}", hex(24), hex(146)),
        ),
        ("cloudflare-token", "CLOUDFLARE_API: @", alnum(40)),
        ("digitalocean-token", "@", with("dop_v1_", hex(64))),
        ("gcp-api-key", "?q=@&z", with("AIza", alnum(35))),
        ("gcp-oauth-secret", "@", with("GOCSPX-", alnum(28))),
        ("gcp-oauth-token", "@", with("ya29.", alnum(40))),
        ("heroku-key", "@", with("HRKU-", alnum(60))),
        ("heroku-key", "HEROKU_KEY=@", uuid),
        ("alibaba-key", "@", with("LTAI", alnum(20))),
        ("fly-token", "@", with("fo1_", alnum(43))),
        (
            "anthropic-key",
            "use @, then",
            with("sk-ant-", format!("api03-{}AA", alnum(93))),
        ),
        ("openai-key", "(@)", with("sk-", alnum(48))),
        ("openai-key", "'@'", with("sk-proj-", alnum(74))),
        ("huggingface-token", "@.", with("hf_", alnum(34))),
        ("groq-key", "@", with("gsk_", alnum(52))),
        ("perplexity-key", "@", with("pplx-", alnum(48))),
        ("replicate-token", "@", with("r8_", alnum(37))),
        ("xai-key", "@", with("xai-", alnum(80))),
        ("github-token", "@", with("ghp_", alnum(36))),
        ("github-token", "@", with("gho_", alnum(36))),
        (
            "github-token",
            "https://x.example/@",
            with("ghs_", alnum(36)),
        ),
        ("github-pat", "@", with("github_pat_", alnum(82))),
        ("gitlab-token", "@", with("glpat-", alnum(20))),
        ("npm-token", "@", with("npm_", alnum(36))),
        ("pypi-token", "@", with("pypi-AgE", alnum(60))),
        ("rubygems-key", "@", with("rubygems_", hex(48))),
        ("nuget-key", "@", with("oy2", hex(43))),
        ("atlassian-token", "@", with("ATATT3", alnum(186))),
        ("postman-key", "@", format!("PMAK-{}-{}", hex(24), hex(34))),
        ("pulumi-token", "@", with("pul-", hex(40))),
        (
            "terraform-token",
            "@",
            format!("{}.atlasv1.{}", alnum(14), alnum(64)),
        ),
        ("sentry-token", "@", with("sntryu_", hex(64))),
        ("grafana-token", "@", with("glc_", alnum(40))),
        (
            "grafana-token",
            "@",
            format!("glsa_{}_{}", alnum(32), hex(8)),
        ),
        ("vault-token", "@", with("hvs.", alnum(95))),
        ("doppler-token", "@", with("dp.pt.", alnum(43))),
        ("1password-token", "@", with("ops_eyJ", alnum(250))),
        ("age-secret-key", "@", with("AGE-SECRET-KEY-1", upper(58))),
        ("databricks-token", "@", with("dapi", hex(32))),
        ("planetscale-token", "@", with("pscale_tkn_", alnum(43))),
        (
            "airtable-token",
            "@",
            format!("pat{}.{}", alnum(14), hex(64)),
        ),
        (
            "slack-token",
            "@",
            with("xoxb-", format!("123456789012-{}", alnum(24))),
        ),
        (
            "slack-token",
            "@",
            with("xapp-", format!("1-{}-1-{}", upper(11), hex(64))),
        ),
        (
            "slack-webhook",
            "https://hooks.slack.com/services/@",
            format!("T{}/B{}/{}", upper(8), upper(8), alnum(24)),
        ),
        (
            "teams-webhook",
            "https://a.webhook.office.com/webhookb2/@",
            format!("{}@{}", hex(36), hex(36)),
        ),
        (
            "discord-webhook",
            "https://discord.com/api/webhooks/@",
            format!("{}/{}", run("123456789", 18), alnum(68)),
        ),
        (
            "discord-token",
            "@",
            format!("M{}.{}.{}", alnum(23), alnum(6), alnum(38)),
        ),
        (
            "telegram-token",
            "bot@",
            format!("{}:AA{}", run("123456789", 10), alnum(33)),
        ),
        ("twilio-key", "@", with("SK", hex(32))),
        (
            "sendgrid-key",
            "@",
            format!("SG.{}.{}", alnum(22), alnum(43)),
        ),
        (
            "sendinblue-key",
            "@",
            format!("xkeysib-{}-{}", hex(64), alnum(16)),
        ),
        ("mailgun-key", "@", with("key-", hex(32))),
        ("mailchimp-key", "@", with(&hex(32), "-us12".into())),
        ("linear-key", "@", with("lin_api_", alnum(40))),
        ("notion-token", "@", with("ntn_", alnum(46))),
        ("notion-token", "@", with("secret_", alnum(43))),
        ("stripe-key", "@", with("sk_live_", alnum(24))),
        ("stripe-key", "@", with("rk_test_", alnum(24))),
        ("webhook-secret", "@", with("whsec_", alnum(32))),
        ("shopify-token", "@", with("shpat_", hex(32))),
        ("square-token", "@", with("sq0atp-", alnum(22))),
        ("jwt", "t @ t", jwt),
        ("private-key", "k: @", pem("RSA PRIVATE ")),
        ("private-key", "k: @", pem("PRIVATE ")),
        (
            "url-password",
            "postgres://app:@@db.example:5432/x",
            alnum(12),
        ),
        ("bearer-token", "Bearer @", alnum(32)),
        (
            "basic-auth",
            "Authorization: Basic @",
            run("abcdefghijklmnop", 16),
        ),
        ("named-secret", "api_key: \"@\"", alnum(20)),
        (
            "named-secret",
            "{\\\"clientSecret\\\":\\\"@\\\"}",
            alnum(20),
        ),
        ("named-secret", "DB_PASSWORD=@ next", alnum(9)),
    ]
}
