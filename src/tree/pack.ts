import type {ByteStream} from "../stream/bytes.ts"; import type {Loss} from "./loss.ts"; export async function* packTree(_r: string, _o: {onLoss: (l: Loss)=>void}): ByteStream {}
