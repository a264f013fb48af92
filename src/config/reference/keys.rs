//! The lines of `keys.txt`: in the order of the page, with bars between what is said of a key.

/// What the readers do not say of a key themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyReference {
    /// The section: `derive[]` stands for one of a list, `kinds.NAME` for one with a name of the operator's.
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// What it takes, where a reader does not say it well.
    pub(super) takes: Option<&'static str>,
    /// In backticks where it is a value that may be written.
    pub(super) default: &'static str,
    pub(super) sentence: &'static str,
    /// The page that tells more.
    pub(super) page: Option<&'static str>,
}

/// All of them.
pub(super) fn all() -> Vec<KeyReference> {
    let said = |part: &'static str| (!part.is_empty()).then_some(part);
    let lines = include_str!("keys.txt").lines().filter(|line| !line.is_empty());
    let keys = lines.map(|line| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [section, name, takes, default, sentence, page] = parts[..] else { panic!("not six parts: {line}") };
        KeyReference { section, name, takes: said(takes), default, sentence, page: said(page) }
    });
    keys.collect()
}
