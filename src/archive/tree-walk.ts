/** Walking a tree: a node, then what lies below it, all of a branch before the next one. */
import { Steps } from "../stream/steps.ts";

/** A node and all that lies below it. */
export class TreeWalk<Node extends object> extends Steps<Node> {
  readonly #childrenOf: (node: Node) => Steps<Node> | undefined;
  readonly #open: Steps<Node>[] = [];
  #first: Node | undefined;

  /** @param childrenOf what is in a node; undefined for one that can hold nothing */
  constructor(from: Node, childrenOf: (node: Node) => Steps<Node> | undefined) {
    super();
    this.#first = from;
    this.#childrenOf = childrenOf;
  }

  override next(): Node | undefined | Promise<Node | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return this.#enter(first);
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      const node = last.next();
      if (node instanceof Promise) return node.then((late) => this.#goOn(late));
      if (node !== undefined) return this.#enter(node);
      this.#open.pop();
    }
    return undefined;
  }

  #goOn(node: Node | undefined): Node | undefined | Promise<Node | undefined> {
    if (node !== undefined) return this.#enter(node);
    this.#open.pop();
    return this.next();
  }

  #enter(node: Node): Node {
    const children = this.#childrenOf(node);
    if (children !== undefined) this.#open.push(children);
    return node;
  }
}
