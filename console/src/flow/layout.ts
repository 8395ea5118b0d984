import { Graph as Dagre, layout } from '@dagrejs/dagre';
import { type FlowNode, type Graph, pathOf, portsOf } from './definition';

export const WIDTH = 224;
const HEAD = 56;
const PORT = 22;

export const heightOf = (node: FlowNode) => HEAD + PORT * Math.max(1, portsOf(node).length);

/** Where each node would stand, left to right. */
export function places(graph: Graph): Map<string, { x: number; y: number }> {
  const drawn = new Dagre();
  drawn.setGraph({ rankdir: 'LR', nodesep: 36, ranksep: 84 });
  drawn.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) drawn.setNode(node.id, { width: WIDTH, height: heightOf(node) });
  const known = new Set(graph.nodes.map((node) => node.id));
  for (const node of graph.nodes) {
    for (const path of node.after ?? []) if (known.has(pathOf(path).node)) drawn.setEdge(pathOf(path).node, node.id);
  }
  layout(drawn);
  return new Map(
    graph.nodes.map((node) => {
      const at = drawn.node(node.id) as { x: number; y: number };
      return [node.id, { x: Math.round(at.x - WIDTH / 2), y: Math.round(at.y - heightOf(node) / 2) }];
    }),
  );
}

/** Nodes with a place of their own keep it, unless all are to be placed anew. */
export function laidOut(graph: Graph, anew = false): Graph {
  if (!anew && graph.nodes.every((node) => node.at)) return graph;
  const found = places(graph);
  const nodes = graph.nodes.map((node) => (node.at && !anew ? node : { ...node, at: found.get(node.id) ?? { x: 0, y: 0 } }));
  return { ...graph, nodes };
}
