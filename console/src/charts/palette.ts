// Okabe and Ito's colours, told apart by most who don't see all colours. A line also has its own dash
// and a point its own shape, so that no chart is read by colour alone.
const LIGHT = ['#0072b2', '#b85000', '#007a5a', '#a8518a', '#946b00', '#3283b5', '#4d4d4d'];
const DARK = ['#56b4e9', '#e69f00', '#2fc99a', '#e29bc6', '#f0e442', '#7fb8e6', '#c8c8c8'];
const DASHES: (string | number[])[] = ['solid', [6, 3], [2, 3], [10, 3, 2, 3], [12, 4], [1, 2], [4, 4]];
const SHAPES = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow', 'roundRect'];

export interface Mark {
  colour: string;
  dash: string | number[];
  shape: string;
}

/** How the n-th series of a chart is drawn. */
export function mark(index: number, dark: boolean): Mark {
  const colours = dark ? DARK : LIGHT;
  return {
    colour: colours[index % colours.length] ?? '#0072b2',
    dash: DASHES[index % DASHES.length] ?? 'solid',
    shape: SHAPES[index % SHAPES.length] ?? 'circle',
  };
}
