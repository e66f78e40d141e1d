//! The page of definitions is generated from the list.

use geodes::measure::metric::markdown_table;

#[test]
fn the_page_of_definitions_is_up_to_date() {
    const BEGIN: &str = "<!-- the list: generated, see tests/measure/page.rs -->\n";
    const END: &str = "<!-- end of the list -->\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = std::fs::read_to_string(&path).expect("docs/metrics.md exists");
    let (before, rest) = page.split_once(BEGIN).expect("the page has the begin mark");
    let (_, after) = rest.split_once(END).expect("the page has the end mark");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", markdown_table());
    if std::env::var_os("UPDATE_DOCS").is_some_and(|v| v == "1") {
        std::fs::write(&path, &wanted).expect("docs/metrics.md can be written");
    } else {
        assert!(page == wanted, "docs/metrics.md is out of date; run UPDATE_DOCS=1 cargo test --test measure");
    }
}
