//! The demo company: departments, offices, apps.

/// A department: its share of the people in percent, and what people are called there; the first one leads.
#[derive(Debug)]
pub(super) struct Department {
    pub(super) name: &'static str,
    pub(super) share: u32,
    pub(super) titles: &'static [&'static str],
}

const fn department(name: &'static str, share: u32, titles: &'static [&'static str]) -> Department {
    Department {
        name,
        share,
        titles,
    }
}

pub(super) const DEPARTMENTS: &[Department] = &[
    department(
        "Engineering",
        30,
        &[
            "Software Engineer",
            "Senior Software Engineer",
            "Staff Engineer",
            "Engineering Manager",
            "QA Engineer",
            "Site Reliability Engineer",
        ],
    ),
    department(
        "Sales",
        20,
        &[
            "Account Executive",
            "Sales Development Representative",
            "Sales Engineer",
            "Regional Sales Director",
        ],
    ),
    department(
        "Customer Support",
        12,
        &[
            "Support Engineer",
            "Support Lead",
            "Customer Success Manager",
        ],
    ),
    department(
        "Marketing",
        8,
        &[
            "Content Strategist",
            "Product Marketing Manager",
            "Event Manager",
            "Designer",
        ],
    ),
    department(
        "Operations",
        9,
        &[
            "Operations Analyst",
            "Facilities Manager",
            "Procurement Specialist",
        ],
    ),
    department(
        "Finance",
        6,
        &["Accountant", "Controller", "Financial Analyst"],
    ),
    department(
        "IT",
        6,
        &[
            "Systems Administrator",
            "Help Desk Technician",
            "IT Manager",
            "Identity Engineer",
        ],
    ),
    department(
        "People",
        4,
        &["Recruiter", "People Partner", "Payroll Specialist"],
    ),
    department(
        "Security",
        3,
        &["Security Engineer", "Security Analyst", "GRC Analyst"],
    ),
    department("Legal", 2, &["Counsel", "Paralegal"]),
];

/// Where people work, and what the log says of their requests.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) country: &'static str,
    pub(super) country_code: &'static str,
    pub(super) postal: &'static str,
    pub(super) position: (f64, f64),
    pub(super) language: &'static str,
    pub(super) timezone: &'static str,
    /// Three numbers of an address kept for documentation.
    pub(super) net: &'static str,
    pub(super) network: (u32, &'static str, &'static str),
}

pub(super) const OFFICES: &[Office] = &[
    Office {
        city: "Berlin",
        state: "Land Berlin",
        country: "Germany",
        country_code: "DE",
        postal: "10115",
        position: (52.5323, 13.3846),
        language: "de_DE",
        timezone: "Europe/Berlin",
        net: "203.0.113",
        network: (3320, "deutsche telekom ag", "t-ipconnect.de"),
    },
    Office {
        city: "Austin",
        state: "Texas",
        country: "United States",
        country_code: "US",
        postal: "78701",
        position: (30.2713, -97.7426),
        language: "en_US",
        timezone: "America/Chicago",
        net: "198.51.100",
        network: (7018, "att services inc.", "att.net"),
    },
    Office {
        city: "London",
        state: "England",
        country: "United Kingdom",
        country_code: "GB",
        postal: "EC1A",
        position: (51.5201, -0.0987),
        language: "en_GB",
        timezone: "Europe/London",
        net: "192.0.2",
        network: (2856, "british telecommunications plc", "bt.net"),
    },
    Office {
        city: "Tel Aviv",
        state: "Tel Aviv",
        country: "Israel",
        country_code: "IL",
        postal: "61000",
        position: (32.0803, 34.7805),
        language: "he_IL",
        timezone: "Asia/Jerusalem",
        net: "203.0.113",
        network: (8551, "bezeq international-ltd", "bezeqint.net"),
    },
    Office {
        city: "São Paulo",
        state: "São Paulo",
        country: "Brazil",
        country_code: "BR",
        postal: "01000",
        position: (-23.5475, -46.6361),
        language: "pt_BR",
        timezone: "America/Sao_Paulo",
        net: "198.51.100",
        network: (28573, "claro nxt telecomunicacoes ltda", "virtua.com.br"),
    },
    Office {
        city: "Tokyo",
        state: "Tokyo",
        country: "Japan",
        country_code: "JP",
        postal: "100-0001",
        position: (35.6837, 139.6805),
        language: "ja_JP",
        timezone: "Asia/Tokyo",
        net: "192.0.2",
        network: (2516, "kddi corporation", "au-net.ne.jp"),
    },
];

/// User agent, operating system, browser, device.
pub(super) const AGENTS: &[[&str; 4]] = &[
    [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mac OS X",
        "CHROME",
        "Computer",
    ],
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        "Windows 10",
        "EDGE",
        "Computer",
    ],
    [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        "iOS (iPhone)",
        "SAFARI",
        "Mobile",
    ],
    [
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Linux",
        "FIREFOX",
        "Computer",
    ],
];

/// An app of the demo and whom it serves: `*` is everybody, a department, or nobody but people picked one by one.
pub(super) type AppLine = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const PROVISIONING: &[&str] = &[
    "PUSH_NEW_USERS",
    "PUSH_PROFILE_UPDATES",
    "PUSH_USER_DEACTIVATION",
];
const PASSWORDS: &[&str] = &[
    "PUSH_NEW_USERS",
    "PUSH_PASSWORD_UPDATES",
    "IMPORT_NEW_USERS",
    "GROUP_PUSH",
];

/// Catalogue name, label, sign-on mode, whom it serves, features.
pub(super) const APPS: &[AppLine] = &[
    ("google", "Google Workspace", "SAML_2_0", "*", PROVISIONING),
    ("slack", "Slack", "SAML_2_0", "*", PROVISIONING),
    ("zoomus", "Zoom", "SAML_2_0", "*", PROVISIONING),
    (
        "workday",
        "Workday",
        "SAML_2_0",
        "*",
        &[
            "IMPORT_NEW_USERS",
            "IMPORT_PROFILE_UPDATES",
            "PROFILE_MASTERING",
        ],
    ),
    (
        "office365",
        "Microsoft 365",
        "WS_FEDERATION",
        "*",
        PASSWORDS,
    ),
    (
        "active_directory",
        "acme.local",
        "AUTO_LOGIN",
        "*",
        PASSWORDS,
    ),
    ("salesforce", "Salesforce", "SAML_2_0", "Sales", PASSWORDS),
    ("salesforce", "Salesforce Sandbox", "SAML_2_0", "", &[]),
    ("gong", "Gong", "SAML_2_0", "Sales", &[]),
    ("outreach", "Outreach", "SAML_2_0", "Sales", PROVISIONING),
    ("hubspot_saml", "HubSpot", "SAML_2_0", "Marketing", &[]),
    ("canva", "Canva", "SAML_2_0", "Marketing", &[]),
    (
        "wordpress",
        "Corporate Blog",
        "BROWSER_PLUGIN",
        "Marketing",
        &[],
    ),
    (
        "twitter",
        "Twitter @acme",
        "BROWSER_PLUGIN",
        "Marketing",
        &[],
    ),
    (
        "githubcloud",
        "GitHub Enterprise",
        "SAML_2_0",
        "Engineering",
        PROVISIONING,
    ),
    ("jira_onprem", "Jira", "SAML_2_0", "Engineering", &[]),
    ("confluence_onprem", "Confluence", "SAML_2_0", "*", &[]),
    ("amazon_aws", "AWS Production", "SAML_2_0", "", &[]),
    (
        "amazon_aws_sso",
        "AWS IAM Identity Center",
        "SAML_2_0",
        "Engineering",
        PROVISIONING,
    ),
    ("datadog", "Datadog", "SAML_2_0", "Engineering", &[]),
    (
        "pagerduty",
        "PagerDuty",
        "SAML_2_0",
        "Engineering",
        PROVISIONING,
    ),
    ("snowflake", "Snowflake", "SAML_2_0", "", PROVISIONING),
    (
        "oidc_client",
        "Internal Admin Console",
        "OPENID_CONNECT",
        "Engineering",
        &[],
    ),
    (
        "oidc_client",
        "Customer Portal",
        "OPENID_CONNECT",
        "Customer Support",
        &[],
    ),
    (
        "oidc_client",
        "Feature Flags",
        "OPENID_CONNECT",
        "Engineering",
        &[],
    ),
    (
        "zendesk",
        "Zendesk",
        "SAML_2_0",
        "Customer Support",
        PROVISIONING,
    ),
    (
        "intercom",
        "Intercom",
        "SECURE_PASSWORD_STORE",
        "Customer Support",
        &[],
    ),
    ("netsuite", "NetSuite", "SAML_2_0", "Finance", PASSWORDS),
    ("expensify", "Expensify", "SAML_2_0", "*", &[]),
    ("coupa", "Coupa", "SAML_2_0", "Operations", &[]),
    ("bank_portal", "Bank Portal", "BASIC_AUTH", "Finance", &[]),
    (
        "greenhouse",
        "Greenhouse",
        "SAML_2_0",
        "People",
        PROVISIONING,
    ),
    ("docusign", "DocuSign", "SAML_2_0", "Legal", &[]),
    ("jamfsoftware", "Jamf Pro", "SAML_2_0", "IT", &[]),
    ("servicenow_ud", "ServiceNow", "SAML_2_0", "IT", PASSWORDS),
    (
        "crowdstrike",
        "CrowdStrike Falcon",
        "SAML_2_0",
        "Security",
        &[],
    ),
    (
        "okta_org2org",
        "Acme Subsidiary Okta",
        "SAML_2_0",
        "",
        PASSWORDS,
    ),
    ("bookmark", "Cafeteria Menu", "BOOKMARK", "*", &[]),
    ("bookmark", "Holiday Calendar", "BOOKMARK", "*", &[]),
];
