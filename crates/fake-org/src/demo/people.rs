//! Names of people in several scripts, with the spelling that their logins take.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::company::{DEPARTMENTS, Department, OFFICES};
use crate::org::Org;
use crate::users::NewUser;

type Name = (&'static str, &'static str);

const FIRST: &[Name] = &[
    ("Ada", "ada"),
    ("Amélie", "amelie"),
    ("Anders", "anders"),
    ("Anita", "anita"),
    ("Björn", "bjoern"),
    ("Carlos", "carlos"),
    ("Chiara", "chiara"),
    ("Chidi", "chidi"),
    ("Daniel", "daniel"),
    ("Elif", "elif"),
    ("Emma", "emma"),
    ("Fatima", "fatima"),
    ("François", "francois"),
    ("Grace", "grace"),
    ("Hiroshi", "hiroshi"),
    ("Ingrid", "ingrid"),
    ("Isabel", "isabel"),
    ("Jakub", "jakub"),
    ("James", "james"),
    ("Jin", "jin"),
    ("João", "joao"),
    ("José", "jose"),
    ("Kavya", "kavya"),
    ("Kwame", "kwame"),
    ("Lars", "lars"),
    ("Léa", "lea"),
    ("Linh", "linh"),
    ("Łukasz", "lukasz"),
    ("Maja", "maja"),
    ("Marta", "marta"),
    ("Mei", "mei"),
    ("Michael", "michael"),
    ("Mohammed", "mohammed"),
    ("Nadia", "nadia"),
    ("Noah", "noah"),
    ("Olivia", "olivia"),
    ("Oscar", "oscar"),
    ("Priya", "priya"),
    ("Rachel", "rachel"),
    ("Ravi", "ravi"),
    ("Robert", "robert"),
    ("Sandra", "sandra"),
    ("Sara", "sara"),
    ("Siobhán", "siobhan"),
    ("Sofía", "sofia"),
    ("Søren", "soeren"),
    ("Thomas", "thomas"),
    ("Victoria", "victoria"),
    ("Wanjiru", "wanjiru"),
    ("Yuki", "yuki"),
    ("Zoë", "zoe"),
    ("美咲", "misaki"),
    ("Дмитрий", "dmitri"),
];

const LAST: &[Name] = &[
    ("Adeyemi", "adeyemi"),
    ("Andersson", "andersson"),
    ("Bauer", "bauer"),
    ("Becker", "becker"),
    ("Çelik", "celik"),
    ("Chen", "chen"),
    ("Cohen", "cohen"),
    ("Costa", "costa"),
    ("Dąbrowski", "dabrowski"),
    ("Davies", "davies"),
    ("Dubois", "dubois"),
    ("Eriksen", "eriksen"),
    ("Fernández", "fernandez"),
    ("Fischer", "fischer"),
    ("García", "garcia"),
    ("Gupta", "gupta"),
    ("Haddad", "haddad"),
    ("Hansen", "hansen"),
    ("Ibrahim", "ibrahim"),
    ("Ivanov", "ivanov"),
    ("Johnson", "johnson"),
    ("Jørgensen", "joergensen"),
    ("Kim", "kim"),
    ("Kowalska", "kowalska"),
    ("Lee", "lee"),
    ("Lévy", "levy"),
    ("Lindqvist", "lindqvist"),
    ("Martin", "martin"),
    ("Meyer", "meyer"),
    ("Mbeki", "mbeki"),
    ("Müller", "mueller"),
    ("Murphy", "murphy"),
    ("Nakamura", "nakamura"),
    ("Nguyễn", "nguyen"),
    ("Novák", "novak"),
    ("O'Brien", "obrien"),
    ("Okafor", "okafor"),
    ("Patel", "patel"),
    ("Peeters", "peeters"),
    ("Petrov", "petrov"),
    ("Rossi", "rossi"),
    ("Ruiz", "ruiz"),
    ("Santos", "santos"),
    ("Schmidt", "schmidt"),
    ("Silva", "silva"),
    ("Singh", "singh"),
    ("Smith", "smith"),
    ("Taylor", "taylor"),
    ("van den Berg", "vandenberg"),
    ("Walker", "walker"),
    ("Wang", "wang"),
    ("Williams", "williams"),
    ("Yamamoto", "yamamoto"),
    ("Yılmaz", "yilmaz"),
    ("佐藤", "sato"),
    ("Šimić", "simic"),
];

/// A person of a department, with a login that nobody has yet.
pub(super) fn draw(
    org: &Org,
    rng: &mut StdRng,
    number: usize,
    contractor: bool,
) -> (NewUser, &'static Department) {
    let department = DEPARTMENTS
        .choose_weighted(rng, |department| department.share)
        .unwrap_or(&DEPARTMENTS[0]);
    let ((first, ascii_first), (last, ascii_last)) = (pick(FIRST, rng), pick(LAST, rng));
    let domain = if contractor {
        "partner.example.com"
    } else {
        "acme.com"
    };
    let login = free_login(org, &format!("{ascii_first}.{ascii_last}"), domain);
    let office = OFFICES.choose(rng).unwrap_or(&OFFICES[0]);
    let mut user = NewUser::named(first, last);
    for (key, value) in [
        ("login", login.as_str()),
        ("email", login.as_str()),
        ("displayName", &format!("{first} {last}")),
        ("department", department.name),
        ("title", title(department, rng)),
        (
            "userType",
            if contractor { "Contractor" } else { "Employee" },
        ),
        (
            "organization",
            if contractor { "Partner Ltd" } else { "Acme" },
        ),
        ("employeeNumber", &format!("{:05}", 10_000 + number)),
        ("city", office.city),
        ("countryCode", office.country_code),
        ("preferredLanguage", office.language),
        ("timezone", office.timezone),
        (
            "costCenter",
            &format!("CC-{}", 100 + department.name.len() * 10),
        ),
    ] {
        user = user.with(key, value);
    }
    (
        user.with("mobilePhone", rng.random_bool(0.3).then_some("+1 555 0100")),
        department,
    )
}

fn pick(names: &'static [Name], rng: &mut StdRng) -> Name {
    names.choose(rng).copied().unwrap_or(names[0])
}

fn title(department: &Department, rng: &mut StdRng) -> &'static str {
    department
        .titles
        .choose(rng)
        .copied()
        .unwrap_or("Specialist")
}

fn free_login(org: &Org, name: &str, domain: &str) -> String {
    let taken = |login: &str| {
        org.users
            .rows()
            .any(|row| row.value["profile"]["login"] == login)
    };
    let logins = (1..).map(|n| {
        if n == 1 {
            format!("{name}@{domain}")
        } else {
            format!("{name}{n}@{domain}")
        }
    });
    logins
        .into_iter()
        .find(|login| !taken(login))
        .unwrap_or_default()
}
