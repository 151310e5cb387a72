import * as vega from 'vega';
import * as vegaLite from 'vega-lite';

/** Draws a Vega-Lite chart, whose data is in it. @returns the text of an SVG file */
export async function drawSvg(chart: object): Promise<string> {
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    background: 'white',
    config: {
      view: {continuousWidth: 320, continuousHeight: 240},
      axis: {gridOpacity: 0.5},
      legend: {labelLimit: 240},
    },
    ...chart,
  } as vegaLite.TopLevelSpec;
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), {renderer: 'none'});
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
