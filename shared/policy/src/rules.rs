//! The shapes of secrets, one line each.
//!
//! Prefixes, alphabets and lengths are facts as published by the gitleaks rule set (MIT licence,
//! github.com/gitleaks/gitleaks, `config/gitleaks.toml`) and by the makers of the tokens. Lengths
//! are lower bounds here: text that is redacted too much does less harm than a token that is shown.

/// What a match must be besides its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// The shape says enough.
    Shape,
    /// Letters and digits mixed, so that a long word does not count.
    Mixed,
    /// Group 1 is a value; the word before it, with the letters before that, is its name, and
    /// `fields` says what a value of that name must look like.
    Named,
}

/// One shape. Without a group 1 the whole match is the secret.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What the marker names.
    pub id: &'static str,
    /// Lower-case texts of which one stands in every match; the pattern is tried only then. None
    /// means that it is always tried.
    pub keywords: &'static [&'static str],
    /// The shape; classes and `\b` are ASCII.
    pub pattern: &'static str,
    /// What else must hold.
    pub check: Check,
    /// The head of a shape that goes on until its end comes, or to the end of the text.
    pub head: Option<&'static str>,
}

const fn shape(id: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Rule {
    Rule {
        id,
        keywords,
        pattern,
        check: Check::Shape,
        head: None,
    }
}

const fn checked(
    id: &'static str,
    keywords: &'static [&'static str],
    pattern: &'static str,
    check: Check,
) -> Rule {
    Rule {
        id,
        keywords,
        pattern,
        check,
        head: None,
    }
}

const fn block(
    id: &'static str,
    keywords: &'static [&'static str],
    head: &'static str,
    pattern: &'static str,
) -> Rule {
    Rule {
        id,
        keywords,
        pattern,
        check: Check::Shape,
        head: Some(head),
    }
}

/// All shapes. Where two cover the same text, the one that begins first gives the name, then the
/// longer one, then the one that stands first here.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    // Clouds
    shape("aws-access-key", &["akia", "asia", "abia", "acca", "a3t"], r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    checked("aws-secret-key", &["aws"], r#"(?i)\baws[a-z0-9_.\- ]{0,20}secret[a-z0-9_.\- ]{0,20}\\{0,8}["']?\s*(?:=>|:=|[:=])\s*\\{0,8}["']?([A-Za-z0-9/+=]{40})"#, Check::Mixed),
    shape("aws-bedrock-key", &["absk"], r"\bABSK[A-Za-z0-9+/]{100,269}={0,2}"),
    shape("azure-client-secret", &["q~"], r"[a-zA-Z0-9_~.\-]{3}[0-9]Q~[a-zA-Z0-9_~.\-]{31,34}"),
    shape("azure-storage-key", &["accountkey=", "sharedaccesskey="], r"(?i)\b(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})"),
    shape("cloudflare-origin-key", &["v1.0-"], r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{100,}"),
    checked("cloudflare-token", &["cloudflare", "cf_api"], r#"(?i)\b(?:cloudflare|cf_api)[a-z0-9_.\- ]{0,20}\\{0,8}["']?\s*[:=]\s*\\{0,8}["']?([A-Za-z0-9_\-]{37,40})\b"#, Check::Mixed),
    shape("digitalocean-token", &["doo_v1_", "dop_v1_", "dor_v1_"], r"\bdo[opr]_v1_[a-f0-9]{60,}"),
    shape("gcp-api-key", &["aiza"], r"\bAIza[A-Za-z0-9_\-]{35,}"),
    shape("gcp-oauth-secret", &["gocspx-"], r"\bGOCSPX-[A-Za-z0-9_\-]{24,}"),
    shape("gcp-oauth-token", &["ya29."], r"\bya29\.[A-Za-z0-9_\-]{20,}"),
    shape("heroku-key", &["hrku-"], r"\bHRKU-[A-Za-z0-9_\-]{36,}"),
    shape("heroku-key", &["heroku"], r#"(?i)\bheroku[a-z0-9_.\- ]{0,20}\\{0,8}["']?\s*[:=]\s*\\{0,8}["']?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b"#),
    shape("alibaba-key", &["ltai"], r"\bLTAI[A-Za-z0-9]{16,}"),
    shape("fly-token", &["fo1_", "fm1a_", "fm1r_", "fm2_"], r"\b(?:fo1|fm1a|fm1r|fm2)_[A-Za-z0-9+/_\-]{40,}={0,3}"),
    // Models
    shape("anthropic-key", &["sk-ant-"], r"\bsk-ant-[A-Za-z0-9_\-]{20,}"),
    checked("openai-key", &["sk-"], r"\bsk-(?:(?:proj|svcacct|admin|or)-[A-Za-z0-9_\-]{20,}|[A-Za-z0-9]{20,})", Check::Mixed),
    shape("huggingface-token", &["hf_", "api_org_"], r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}"),
    shape("groq-key", &["gsk_"], r"\bgsk_[A-Za-z0-9]{40,}"),
    shape("perplexity-key", &["pplx-"], r"\bpplx-[A-Za-z0-9]{40,}"),
    shape("replicate-token", &["r8_"], r"\br8_[A-Za-z0-9]{37,}"),
    shape("xai-key", &["xai-"], r"\bxai-[A-Za-z0-9]{60,}"),
    // Code and packages
    shape("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    shape("github-pat", &["github_pat_"], r"\bgithub_pat_[A-Za-z0-9_]{60,}"),
    shape("gitlab-token", &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "gloas-", "glsoat-"], r"\bgl(?:pat|dt|rt|ptt|cbt|oas|soat)-[A-Za-z0-9_\-.]{20,}"),
    shape("npm-token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36,}"),
    shape("pypi-token", &["pypi-age"], r"\bpypi-AgE[A-Za-z0-9_\-]{50,}"),
    shape("rubygems-key", &["rubygems_"], r"\brubygems_[a-f0-9]{48}"),
    shape("nuget-key", &["oy2"], r"\boy2[a-z0-9]{43}\b"),
    shape("atlassian-token", &["atatt3"], r"\bATATT3[A-Za-z0-9_\-=]{100,}"),
    shape("postman-key", &["pmak-"], r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    shape("pulumi-token", &["pul-"], r"\bpul-[a-f0-9]{40}\b"),
    shape("terraform-token", &[".atlasv1."], r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,}"),
    shape("sentry-token", &["sntrys_", "sntryu_"], r"\bsntry[su]_[A-Za-z0-9+/=_]{60,}"),
    shape("grafana-token", &["glc_", "glsa_"], r"\b(?:glc_[A-Za-z0-9+/]{32,}={0,3}|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})"),
    // Vaults
    shape("vault-token", &["hvs.", "hvb."], r"\bhv[sb]\.[A-Za-z0-9_\-]{24,}"),
    shape("doppler-token", &["dp.pt.", "dp.st.", "dp.sa.", "dp.ct.", "dp.scim.", "dp.audit."], r"\bdp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    shape("1password-token", &["ops_eyj"], r"\bops_eyJ[A-Za-z0-9+/_\-]{60,}={0,3}"),
    shape("age-secret-key", &["age-secret-key-1"], r"(?i)\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    // Data
    shape("databricks-token", &["dapi"], r"\bdapi[a-f0-9]{32}(?:-[0-9])?\b"),
    shape("planetscale-token", &["pscale_"], r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.\-]{32,}"),
    shape("airtable-token", &["pat"], r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"),
    // Talk and mail
    shape("slack-token", &["xox"], r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9\-]{10,}"),
    shape("slack-token", &["xapp-"], r"\bxapp-[0-9]-[A-Za-z0-9\-]{20,}"),
    shape("slack-webhook", &["hooks.slack.com"], r"\bhooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})"),
    shape("teams-webhook", &["webhook.office.com"], r"(?i)\b[a-z0-9\-]+\.webhook\.office\.com/webhookb2/([A-Za-z0-9@/\-]{40,})"),
    shape("discord-webhook", &["/api/webhooks/"], r"\bdiscord(?:app)?\.com/api/webhooks/([0-9]{15,}/[A-Za-z0-9_\-]{40,})"),
    checked("discord-token", &[], r"\b[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}", Check::Mixed),
    shape("telegram-token", &[":aa"], r"(?:\b|bot)[0-9]{7,12}:AA[A-Za-z0-9_\-]{32,34}"),
    shape("twilio-key", &["sk"], r"\bSK[0-9a-f]{32}\b"),
    shape("sendgrid-key", &["sg."], r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,}"),
    shape("sendinblue-key", &["xkeysib-"], r"\bxkeysib-[a-f0-9]{60,}-[A-Za-z0-9]{16}"),
    shape("mailgun-key", &["key-"], r"\b(?:pub)?key-[a-f0-9]{32}\b"),
    shape("mailchimp-key", &["-us"], r"\b[a-f0-9]{32}-us[0-9]{1,2}\b"),
    // Work and shops
    shape("linear-key", &["lin_api_", "lin_oauth_"], r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    shape("notion-token", &["ntn_"], r"\bntn_[A-Za-z0-9]{40,}"),
    checked("notion-token", &["secret_"], r"\bsecret_[A-Za-z0-9]{43}\b", Check::Mixed),
    shape("stripe-key", &["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_"], r"\b[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    shape("webhook-secret", &["whsec_"], r"\bwhsec_[A-Za-z0-9+/]{20,}={0,2}"),
    shape("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    shape("square-token", &["eaaa", "sq0atp-", "sq0csp-"], r"\b(?:EAAA[A-Za-z0-9_\-]{56,}|sq0atp-[A-Za-z0-9_\-]{22,}|sq0csp-[A-Za-z0-9_\-]{40,})"),
    // Shapes that many systems share
    shape("jwt", &["eyj"], r"\beyJ[A-Za-z0-9_\-]{14,}\.[A-Za-z0-9_\-]{14,}\.[A-Za-z0-9_\-]{10,}"),
    // A block without its end is a key that was cut: everything behind its head goes.
    block("private-key", &["private key"], PRIVATE_KEY_HEAD, PRIVATE_KEY),
    shape("url-password", &["://"], r#"(?i)\b[a-z][a-z0-9+.\-]{1,30}://(?u:[^\s/?#@:"'<>\[\]{}]){0,256}:((?u:[^\s/?#@:"'<>\[\]{}]){1,512})@"#),
    checked("bearer-token", &["bearer"], r"(?i)\bbearer\s+([A-Za-z0-9._~+/\-]{16,}={0,2})", Check::Mixed),
    shape("basic-auth", &["basic"], r#"(?i)\bauthorization\\{0,8}["']?\s*[:=,]\s*\\{0,8}["']?basic\s+([A-Za-z0-9+/_\-]{6,}={0,2})"#),
    checked("named-secret", &["key", "token", "secret", "passw", "pwd", "passphrase", "authorization"], NAMED, Check::Named),
];

/// A name, a sign and a value, as settings, headers and JSON write them (also JSON inside JSON).
const NAMED: &str = r#"(?i)(?:key|secret|token|password|passwd|passwort|pwd|passphrase|authorization)\\{0,8}["']?\s*(?:=>|:=|[:=])\s*\\{0,8}["'`]?(?:(?:basic|bearer|token|apikey)\s+)?((?u:[^\s"'`,;<>\[\]{}()\\&|]){6,512})"#;

const PRIVATE_KEY_HEAD: &str = r"(?i)-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----";
const PRIVATE_KEY: &str = r"(?i)-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?su:.)*?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|(?su:.)*)";
