"""Measurements of a page that is open in a browser."""

from pathlib import Path

AXE = Path(__file__).parent / "site" / "vendor" / "axe.min.js"  # axe-core 4.14.1, which checks accessibility


def violations(page):
    """Return the violations of accessibility rules that axe-core finds, as (rule, elements)."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((results) => results.violations)")
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]


def stop_clock(page):
    """Stop the page's clock, so that timers wait for `page.clock.run_for(milliseconds)` instead of this machine."""
    page.clock.install(time=0)
    page.clock.pause_at(3600)


def sideways(page):
    """Return how many pixels of the page can be reached only by scrolling sideways."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
