//! The people of the school: who user number n is, worked out from the number instead of being remembered.
//!
//! No list of users is kept, so a school of 500 million costs the same memory as one of five.

use super::random::mix;

/// One user of the school.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    hash: u64,
    seed: u64,
    number: u64,
}

impl Person {
    /// User `number` of the school with this seed.
    pub fn new(seed: u64, number: u64) -> Person {
        Person { hash: mix(mix(seed).wrapping_add(number)), seed, number }
    }

    /// Someone who never had a user event.
    pub fn stranger(seed: u64, number: u64) -> Person {
        // Strangers count down from the end, out of reach of any number of real users.
        Person::new(seed, u64::MAX - number)
    }

    /// The user id.
    pub fn uuid(&self) -> u128 {
        // The number itself is in it (mix is a bijection), so two users of a school never share an id.
        (u128::from(mix(self.seed ^ self.hash)) << 64) | u128::from(mix(!self.number))
    }

    /// The first name.
    pub fn first_name(&self) -> &'static str {
        choose(FIRST_NAMES, self.hash)
    }

    /// The last name.
    pub fn last_name(&self) -> &'static str {
        choose(LAST_NAMES, self.hash >> 8)
    }

    /// The country where the user lived at first.
    pub fn country(&self) -> &'static str {
        choose(COUNTRIES, self.hash >> 16)
    }

    /// The language the user learns in `slot` (0 to 2); two slots may hold the same.
    pub fn language(&self, slot: u64) -> &'static str {
        choose(LANGUAGES, mix(self.hash.wrapping_add(slot)))
    }
}

fn choose(items: &'static [&'static str], hash: u64) -> &'static str {
    // Never empty, so the remainder is an index.
    items.get((hash % items.len() as u64) as usize).copied().unwrap_or_default()
}

// None of these texts needs an escape in JSON; the plain events rely on it and a test reads them all back.

const FIRST_NAMES: &[&str] = &[
    "Ana",
    "Bogdan",
    "Chidi",
    "Dilnoza",
    "Emre",
    "Fatima",
    "Giulia",
    "Hana",
    "Ioana",
    "João",
    "Keiko",
    "Liam",
    "Mette",
    "Ngozi",
    "Olu",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Thảo",
    "Uri",
    "Valentina",
    "Wen",
    "Ximena",
    "Yusuf",
    "Zoë",
    "Łukasz",
    "Ольга",
    "李娜",
    "Δημήτρης",
    "Anne-Marie",
];

const LAST_NAMES: &[&str] = &[
    "Almeida",
    "Bakker",
    "Castro",
    "Dubois",
    "Eriksson",
    "Fischer",
    "García",
    "Horvat",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Müller",
    "Nguyễn",
    "O'Brien",
    "Papadopoulos",
    "Quispe",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Weber",
    "Xu",
    "Yılmaz",
    "Zhang",
    "de la Cruz",
    "van den Berg",
];

/// Where users live.
pub const COUNTRIES: &[&str] = &[
    "Brazil",
    "Germany",
    "Mexico",
    "Poland",
    "Türkiye",
    "Japan",
    "Viet Nam",
    "Côte d'Ivoire",
    "United States",
    "Spain",
    "Nigeria",
    "Italy",
    "South Korea",
    "Denmark",
    "Greece",
    "Bosnia and Herzegovina",
    "Ukraine",
    "Peru",
];

/// What is taught. To the engine these are just text, dots and blanks included.
pub const LANGUAGES: &[&str] = &[
    "pt-BR",
    "Brazilian Portuguese",
    "zh.Hans",
    "en",
    "es-419",
    "Deutsch",
    "français",
    "日本語",
    "Scots Gaelic",
    "tr",
    "sr-Latn-RS",
    "Italian",
];

/// The courses.
pub const COURSES: &[&str] = &[
    "First Steps",
    "Beginner's Course 1",
    "Beginner's Course 2",
    "At the Market",
    "Numbers & Dates",
    "Business Basics",
    "False Friends",
    "Grammar: The Past",
    "Travel / Food",
    "Idioms",
];

/// The lessons.
pub const LESSONS: &[&str] = &[
    "Saying Hello",
    "Where Are You From?",
    "At the Café",
    "Counting to 100",
    "Yesterday, Today, Tomorrow",
    "My Family",
    "Asking the Way",
    "A Job Interview",
    "The Weather",
    "Review: Units 1-4",
];

/// What a subscription may be.
pub const STATUSES: &[&str] = &["active", "active", "active", "trial", "paused", "past due", "cancelled", "expired"];

/// How a subscription is paid.
pub const TYPES: &[&str] = &["monthly", "quarterly", "yearly", "lifetime", "gift"];

/// How long a subscription runs, in days.
pub const PERIODS_DAYS: &[u64] = &[30, 90, 180, 365, 36_500];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_people_share_an_id() {
        let people = (0..20_000).flat_map(|n| [Person::new(1, n), Person::stranger(1, n)]);
        let ids: BTreeSet<u128> = people.map(|p| p.uuid()).collect();
        assert_eq!(ids.len(), 40_000);
    }
}
