import type {ByteStream} from "../stream/bytes.ts"; import type {Loss} from "./loss.ts"; export async function extractTree(_b: ByteStream, _r: string, _o: {onLoss: (l: Loss)=>void}): Promise<void> {}
