/** An edge, and in the same object the flow on it. `reverse` is the edge back, in the list of `to`. */
interface Edge {
  readonly to: number;
  capacity: number;
  readonly reverse: number;
}

/** A network of nodes 0, 1, … and edges with capacities; finds a maximal flow by Dinic's algorithm, and a minimal cut. */
export class FlowNetwork {
  private readonly edges: Edge[][] = [];

  addNode(): number {
    return this.edges.push([]) - 1;
  }

  addEdge(from: number, to: number, capacity: number): void {
    this.edges[from]!.push({to, capacity, reverse: this.edges[to]!.length});
    this.edges[to]!.push({to: from, capacity: 0, reverse: this.edges[from]!.length - 1});
  }

  /** Sends as much as possible from `source` to `sink`, and gives how much that is. To be called once. */
  maximize(source: number, sink: number): number {
    let total = 0;
    for (;;) {
      const distance = this.distances(source);
      if (distance[sink]! < 0) return total;
      total += this.blockingFlow(source, sink, distance);
    }
  }

  /**
   * After `maximize`: the nodes from which the sink can still be reached. Edges that lead from others to them are a minimal cut, of all
   * minimal cuts the one that is nearest to the sink.
   */
  sinkSide(sink: number): boolean[] {
    const reaches = this.edges.map(() => false);
    reaches[sink] = true;
    const open = [sink];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const {to, reverse} of this.edges[node]!) {
        if (reaches[to] || this.edges[to]![reverse]!.capacity <= 0) continue;
        reaches[to] = true;
        open.push(to);
      }
    }
    return reaches;
  }

  /** Numbers of edges with free capacity from the source; -1 where there is no way. */
  private distances(source: number): number[] {
    const distance = this.edges.map(() => -1);
    distance[source] = 0;
    const queue = [source];
    for (const node of queue) {
      for (const {to, capacity} of this.edges[node]!) {
        if (capacity <= 0 || distance[to]! >= 0) continue;
        distance[to] = distance[node]! + 1;
        queue.push(to);
      }
    }
    return distance;
  }

  /** Fills ways that lead away from the source until each is cut. Graphs are deep: no recursion. */
  private blockingFlow(source: number, sink: number, distance: readonly number[]): number {
    const next = this.edges.map(() => 0);
    let total = 0;
    const path: Edge[] = [];
    for (let node = source; ;) {
      if (node === sink) {
        total += this.augment(path);
        path.length = 0;
        node = source;
      }
      const edge = this.edges[node]![next[node]!];
      if (edge === undefined) {
        const last = path.pop();
        if (last === undefined) return total;
        node = this.edges[last.to]![last.reverse]!.to;
        next[node]!++;
      } else if (edge.capacity > 0 && distance[edge.to] === distance[node]! + 1) {
        path.push(edge);
        node = edge.to;
      } else {
        next[node]!++;
      }
    }
  }

  private augment(path: readonly Edge[]): number {
    const amount = Math.min(...path.map(({capacity}) => capacity));
    for (const edge of path) {
      edge.capacity -= amount;
      this.edges[edge.to]![edge.reverse]!.capacity += amount;
    }
    return amount;
  }
}
