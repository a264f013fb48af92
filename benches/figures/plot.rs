//! The plots of `docs/benchmarks`, as SVG.

use crate::Failure;
use plotters::prelude::*;

/// A named curve.
pub type Curve = (String, Vec<(f64, f64)>);

const SIZE: (u32, u32) = (860, 420);
const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(214, 95, 14), RGBColor(44, 140, 44), RGBColor(120, 80, 160)];

/// Curves over two plain axes that begin at zero.
pub fn lines(x: &str, y: &str, curves: &[Curve]) -> Result<String, Failure> {
    let largest = |of: fn(&(f64, f64)) -> f64| {
        curves.iter().flat_map(|(_, points)| points.iter().map(of)).fold(0.0, f64::max) * 1.05
    };
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..largest(|point| point.0), 0.0..largest(|point| point.1))?;
        chart.configure_mesh().x_desc(x).y_desc(y).draw()?;
        for ((name, points), colour) in curves.iter().zip(COLOURS) {
            let line = chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
            line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
        Ok(())
    })
}

/// The share of events (below one) against their latency in milliseconds: the tail gets as much room as the middle.
pub fn latency(curves: &[Curve]) -> Result<String, Failure> {
    let nines = |share: f64| -(1.0 - share).max(1e-4).log10();
    let largest = curves.iter().flat_map(|(_, points)| points.iter().map(|point| point.1)).fold(1.0, f64::max);
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..4.0, (0.1..largest * 1.5).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("share of events that are faster")
            .y_desc("ms from stored to stored")
            .x_labels(5)
            .x_label_formatter(&|nines| format!("{} %", (1.0 - 10_f64.powf(-nines)) * 100.0))
            .draw()?;
        for ((name, points), colour) in curves.iter().zip(COLOURS) {
            let points = points.iter().map(|(share, ms)| (nines(*share), ms.max(0.1)));
            let line = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        Ok(())
    })
}

/// One bar for each name, from the top down.
pub fn bars(unit: &str, values: &[(String, f64)]) -> Result<String, Failure> {
    let largest = values.iter().map(|(_, value)| *value).fold(1.0, f64::max) * 1.05;
    let count = values.len() as i32;
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(280)
            .build_cartesian_2d(0.0..largest, (0..count).into_segmented())?;
        let name = |segment: &SegmentValue<i32>| match segment {
            SegmentValue::CenterOf(n) | SegmentValue::Exact(n) => {
                // The axis has a place beyond the last bar.
                let at = usize::try_from(count - 1 - n).ok();
                at.and_then(|at| values.get(at)).map(|(name, _)| name.clone()).unwrap_or_default()
            }
            SegmentValue::Last => String::new(),
        };
        let mut mesh = chart.configure_mesh();
        mesh.disable_y_mesh().x_desc(unit).y_labels(values.len()).y_label_formatter(&name).draw()?;
        chart.draw_series(values.iter().enumerate().map(|(n, (_, value))| {
            let at = count - 1 - n as i32;
            let ends = [(0.0, SegmentValue::Exact(at)), (*value, SegmentValue::Exact(at + 1))];
            let [blue, ..] = COLOURS;
            let mut bar = Rectangle::new(ends, blue.mix(0.8).filled());
            bar.set_margin(4, 4, 0, 0);
            bar
        }))?;
        Ok(())
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(paint: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>) -> Result<String, Failure> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        paint(&area).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(text)
}
