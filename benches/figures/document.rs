//! Where a section goes: between its marks in `docs/benchmarks.md`, with its plots beside it.

use crate::Failure;
use std::path::Path;

/// One section, measured.
pub struct Section {
    /// Its name in the marks.
    pub name: &'static str,
    /// What stands there.
    pub text: String,
    /// Plots by name, as SVG.
    pub plots: Vec<(String, String)>,
}

impl Section {
    /// Replaces what stands between the marks.
    pub fn write(&self) -> Result<(), Failure> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let file = docs.join("benchmarks.md");
        let page = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (begin, end) = (format!("<!-- begin {} -->\n", self.name), format!("<!-- end {} -->", self.name));
        let no_marks = || format!("{} has no section {}", file.display(), self.name);
        let (before, rest) = page.split_once(&begin).ok_or_else(no_marks)?;
        let (_, after) = rest.split_once(&end).ok_or_else(no_marks)?;
        let pictures = docs.join("benchmarks");
        std::fs::create_dir_all(&pictures)?;
        let mut text = self.text.clone();
        for (name, plot) in &self.plots {
            std::fs::write(pictures.join(format!("{name}.svg")), plot)?;
            text.push_str(&format!("\n![{name}](benchmarks/{name}.svg)\n"));
        }
        std::fs::write(&file, format!("{before}{begin}{text}{end}{after}"))?;
        eprintln!("bench: written to {}", file.display());
        Ok(())
    }
}
