//! A sheet of paper and a pen: plotters' SVG backend with coordinates in fractions of a pixel, text that is placed by an
//! upper estimate of its width, and lines with gaps.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoFont, RGBAColor, RGBColor, ShapeStyle, TextStyle};
use std::io;

/// The backend takes whole numbers; one pixel is this many of them, so that lines are smooth and places exact.
const FINE: f64 = 4.0;

/// The SVG backend divides font sizes by this to turn a line height into a font size.
const LINE_HEIGHT: f64 = 1.24;

/// Headings and marks.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Axis labels and remarks.
pub(super) const SOFT: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// Axis lines.
pub(super) const LINE: RGBColor = RGBColor(0x8c, 0x8c, 0x8c);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xe3, 0xe3, 0xe3);
/// Paper.
pub(super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Vermillion of the palette, for what failed.
pub(super) const FAILED: RGBColor = RGBColor(0xd5, 0x5e, 0x00);

/// Okabe and Ito, "Color Universal Design" (2008): blue, orange, bluish green, reddish purple, sky blue, vermillion,
/// black; in place of their yellow, which cannot be seen as a line on white, a grey.
const PALETTE: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0x88, 0x88, 0x88),
];

/// The colour of the `i`-th series; after eight they come again, paler.
pub(super) fn color(i: usize) -> RGBAColor {
    PALETTE[i % PALETTE.len()].mix(if i < PALETTE.len() { 1.0 } else { 0.45 })
}

/// Strokes and gaps of a line by turns, in pixels; empty for a line without gaps.
pub(super) type Dash = &'static [f64];

/// A line without gaps.
pub(super) const SOLID: Dash = &[];

/// Patterns of lines that are compared and may coincide: through their gaps shows the line below.
const PATTERNS: [Dash; 4] = [&[8.0, 7.0], &[1.0, 6.0], &[14.0, 6.0, 1.0, 6.0], &[4.0, 5.0]];

/// How a line looks.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub color: RGBAColor,
    /// In pixels.
    pub width: f64,
    pub dash: Dash,
}

impl Stroke {
    pub fn solid(color: RGBAColor, width: f64) -> Stroke {
        Stroke { color, width, dash: SOLID }
    }

    /// The `i`-th of several lines that are compared. The first one is solid and wide, so that it frames whatever lies
    /// upon it. When the colours come again, they do so with other patterns.
    pub fn compared(i: usize) -> Stroke {
        let color = PALETTE[i % PALETTE.len()].to_rgba();
        match i {
            0 => Stroke { color, width: 3.5, dash: SOLID },
            _ => Stroke { color, width: 2.25, dash: PATTERNS[(i - 1 + i / PALETTE.len()) % PATTERNS.len()] },
        }
    }
}

/// How a text looks and which of its points is placed.
#[derive(Clone, Copy)]
pub(super) struct Lettering {
    /// Font size in pixels.
    pub size: f64,
    pub color: RGBColor,
    pub bold: bool,
    pub h: HPos,
    pub v: VPos,
    /// Reads upwards.
    pub turned: bool,
}

impl Lettering {
    /// Plain text starting at its place, centred on its line.
    pub const fn new(size: f64, color: RGBColor) -> Lettering {
        Lettering { size, color, bold: false, h: HPos::Left, v: VPos::Center, turned: false }
    }
    pub const fn bold(mut self) -> Lettering {
        self.bold = true;
        self
    }
    pub fn centred(mut self) -> Lettering {
        self.h = HPos::Center;
        self
    }
    pub fn right(mut self) -> Lettering {
        self.h = HPos::Right;
        self
    }
    pub fn turned(mut self) -> Lettering {
        self.turned = true;
        self
    }
    /// An upper estimate of the width in pixels.
    pub fn width(&self, text: &str) -> f64 {
        let em: f64 = text.chars().map(advance).sum();
        em * self.size * if self.bold { 1.12 } else { 1.0 }
    }
    /// The text, or as much of its start as fits, with an ellipsis.
    pub fn fit(&self, text: &str, room: f64) -> String {
        if self.width(text) <= room {
            return text.to_owned();
        }
        let mut cut: Vec<char> = text.chars().collect();
        while !cut.is_empty() {
            cut.pop();
            let shorter: String = cut.iter().chain(['…'].iter()).collect();
            if self.width(&shorter) <= room {
                return shorter;
            }
        }
        "…".into()
    }
}

/// Advance width in em, rounded up from DejaVu Sans, the widest of the usual sans-serif fonts (Arial and Helvetica are
/// about a tenth narrower); without a font engine, text must be placed so that the widest font still fits.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.28,
        ' ' | '.' | ',' | ':' | ';' | '!' | 'I' => 0.34,
        'f' | 't' | 'r' | '-' | '(' | ')' | '[' | ']' | '/' => 0.42,
        'm' | 'M' | 'w' | 'W' | '%' | '@' | '…' => 1.0,
        'A'..='Z' => 0.76,
        '0'..='9' | 'a'..='z' | '$' | '–' => 0.64,
        '<' | '>' | '=' | '+' | '×' | '·' => 0.84,
        c if c < '\u{1100}' => 0.7,
        _ => 1.1,
    }
}

/// What draws; all coordinates are pixels from the upper left corner.
pub(super) struct Pen<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws a picture of the given size in pixels on white paper. `title` and `description` go into the SVG for those who
/// do not see it, too.
pub(super) fn picture(
    (width, height): (f64, f64),
    title: &str,
    description: &str,
    paint: impl FnOnce(&Pen<'_>) -> io::Result<()>,
) -> io::Result<String> {
    let mut svg = String::new();
    {
        let size = ((width * FINE) as u32, (height * FINE) as u32);
        let pen = Pen { area: SVGBackend::with_string(&mut svg, size).into_drawing_area() };
        pen.rect((0.0, 0.0), (width, height), PAPER.to_rgba())?;
        paint(&pen)?;
        pen.area.present().map_err(drawing)?;
    }
    // The backend's own head knows nothing of fractions of a pixel, round joints and names.
    let body = svg.split_once(">\n").map_or("", |(_, body)| body);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         role=\"img\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n<title>{}</title>\n<desc>{}</desc>\n{body}",
        width * FINE,
        height * FINE,
        escape(title),
        escape(description),
    ))
}

impl Pen<'_> {
    pub fn text(&self, (x, y): (f64, f64), l: Lettering, text: &str) -> io::Result<()> {
        let style = if l.bold { FontStyle::Bold } else { FontStyle::Normal };
        let mut font = ("sans-serif", l.size * LINE_HEIGHT * FINE).into_font().style(style);
        if l.turned {
            font = font.transform(FontTransform::Rotate270);
        }
        let style = TextStyle::from(font).color(&l.color).pos(Pos::new(l.h, l.v));
        // Characters that XML does not allow have no business in a name.
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        self.area.draw(&Text::new(clean, fine((x, y)), style)).map_err(drawing)
    }

    pub fn line(&self, a: (f64, f64), b: (f64, f64), color: RGBColor, width: f64) -> io::Result<()> {
        self.area.draw(&PathElement::new(vec![fine(a), fine(b)], stroke(color.to_rgba(), width))).map_err(drawing)
    }

    /// A line through points in order of x, with a gap at every `None`; a point between two gaps is a dot.
    pub fn polyline(&self, points: impl IntoIterator<Item = Option<(f64, f64)>>, look: Stroke) -> io::Result<()> {
        let mut piece: Vec<(f64, f64)> = Vec::new();
        for point in points.into_iter().chain([None]) {
            match point {
                Some(p) => piece.push(p),
                None => {
                    match *piece.as_slice() {
                        [] => {}
                        [p] => self.dot(p, look.width, look.color)?,
                        _ => {
                            for part in broken(&thin(&piece), look.dash) {
                                let path: Vec<(i32, i32)> = part.into_iter().map(fine).collect();
                                let style = stroke(look.color, look.width);
                                self.area.draw(&PathElement::new(path, style)).map_err(drawing)?;
                            }
                        }
                    }
                    piece.clear();
                }
            }
        }
        Ok(())
    }

    pub fn dot(&self, at: (f64, f64), radius: f64, color: RGBAColor) -> io::Result<()> {
        let radius = (radius * FINE).round() as i32;
        self.area.draw(&Circle::new(fine(at), radius, color.filled())).map_err(drawing)
    }

    pub fn rect(&self, a: (f64, f64), b: (f64, f64), color: RGBAColor) -> io::Result<()> {
        self.area.draw(&Rectangle::new([fine(a), fine(b)], color.filled())).map_err(drawing)
    }

    pub fn polygon(&self, points: &[(f64, f64)], color: RGBAColor) -> io::Result<()> {
        let points: Vec<(i32, i32)> = points.iter().copied().map(fine).collect();
        self.area.draw(&Polygon::new(points, color.filled())).map_err(drawing)
    }
}

/// Of many points in one pixel column the first, the lowest, the highest and the last: the line that is drawn stays the
/// same to the pixel (Jugel et al., "M4", VLDB 2014).
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        if column.len() <= 4 {
            kept.extend_from_slice(column);
            continue;
        }
        let by_y = |&a: &usize, &b: &usize| column[a].1.total_cmp(&column[b].1).then(a.cmp(&b));
        let low = (0..column.len()).min_by(by_y).unwrap_or(0);
        let high = (0..column.len()).max_by(by_y).unwrap_or(0);
        let mut four = [0, low, high, column.len() - 1];
        four.sort_unstable();
        kept.extend(four.iter().map(|&i| column[i]));
    }
    kept
}

/// The strokes of a line with gaps, measured along the line.
fn broken(points: &[(f64, f64)], dash: Dash) -> Vec<Vec<(f64, f64)>> {
    let Some(&first) = dash.first() else { return vec![points.to_vec()] };
    let mut strokes: Vec<Vec<(f64, f64)>> = vec![vec![points[0]]];
    // Even parts of the pattern are strokes, odd ones gaps.
    let (mut part, mut left) = (0, first);
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let length = libm::hypot(b.0 - a.0, b.1 - a.1);
        let mut at = 0.0;
        while length - at > left {
            at += left;
            let p = (a.0 + (b.0 - a.0) * at / length, a.1 + (b.1 - a.1) * at / length);
            match part % 2 {
                0 => strokes.last_mut().expect("never empty").push(p),
                _ => strokes.push(vec![p]),
            }
            part += 1;
            left = dash[part % dash.len()];
        }
        left -= length - at;
        if part % 2 == 0 {
            strokes.last_mut().expect("never empty").push(b);
        }
    }
    strokes.retain(|s| s.len() > 1);
    strokes
}

fn fine((x, y): (f64, f64)) -> (i32, i32) {
    ((x * FINE).round() as i32, (y * FINE).round() as i32)
}

fn stroke(color: RGBAColor, width: f64) -> ShapeStyle {
    ShapeStyle { color, filled: false, stroke_width: (width * FINE).round() as u32 }
}

fn drawing(e: DrawingAreaErrorKind<io::Error>) -> io::Error {
    io::Error::other(e.to_string())
}

fn escape(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_what_is_seen() {
        let points: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i) / 50.0, f64::from((i * 37) % 100))).collect();
        let kept = thin(&points);
        assert!(kept.len() <= 8, "{}", kept.len());
        assert_eq!(kept.first(), points.first());
        assert_eq!(kept.last(), points.last());
        assert!(kept.iter().any(|p| p.1 == 99.0) && kept.iter().any(|p| p.1 == 0.0));
        assert!(kept.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn dashes_are_measured_along_the_line() {
        let corner = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        let strokes = broken(&corner, &[4.0, 3.0]);
        assert_eq!(
            strokes,
            [vec![(0.0, 0.0), (4.0, 0.0)], vec![(7.0, 0.0), (10.0, 0.0), (10.0, 1.0)], vec![(10.0, 4.0), (10.0, 8.0)],]
        );
        assert_eq!(broken(&corner, SOLID), [corner.to_vec()]);
        assert!(PATTERNS.iter().all(|p| p.len() % 2 == 0), "strokes and gaps by turns");
    }

    #[test]
    fn neighbours_that_coincide_are_both_seen() {
        assert_eq!(Stroke::compared(0).dash, SOLID);
        for i in 1..3 * PALETTE.len() {
            let look = Stroke::compared(i);
            assert_ne!(look.dash, SOLID, "the line below shows through");
            assert_ne!(look.dash, Stroke::compared(i - 1).dash);
            assert!(look.width < Stroke::compared(0).width, "the first one frames it");
            let same = (0..i).map(Stroke::compared).any(|s| s.color == look.color && s.dash == look.dash);
            assert!(!same, "{i} looks like one before");
        }
    }

    #[test]
    fn text_is_cut_to_its_room() {
        let l = Lettering::new(12.0, INK);
        assert_eq!(l.fit("short", 100.0), "short");
        let cut = l.fit("a very long name of a topology", 80.0);
        assert!(cut.ends_with('…') && l.width(&cut) <= 80.0, "{cut}");
    }
}
