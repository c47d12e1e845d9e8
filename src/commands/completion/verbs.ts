/**
 * `ctar completion bash`, `zsh`, `fish`: the scripts that make shells complete ctar's command lines.
 *
 * They know nothing of the commands: each asks `ctar __complete` (complete.ts), and leaves paths to the shell, which knows about quotes, `~` and
 * variables. They run the program that stands on the command line, so that they fit `./ctar` and `sudo ctar` too.
 *
 * @see bash(1) "Programmable Completion", zshcompsys(1), fish's `complete`
 */
import { defineVerb, type Verb } from "../define.ts";
import bashScript from "./ctar.bash" with { type: "text" };
import fishScript from "./ctar.fish" with { type: "text" };
import zshScript from "./ctar.zsh" with { type: "text" };

/** For bash. */
export const bashCompletionVerb: Verb = completionVerb("bash", bashScript, [
  "source <(ctar completion bash)",
  "ctar completion bash > /etc/bash_completion.d/ctar",
]);

/** For zsh. */
export const zshCompletionVerb: Verb = completionVerb("zsh", zshScript, [
  "source <(ctar completion zsh)",
  "ctar completion zsh > /usr/local/share/zsh/site-functions/_ctar",
]);

/** For fish. */
export const fishCompletionVerb: Verb = completionVerb("fish", fishScript, [
  "ctar completion fish | source",
  "ctar completion fish > ~/.config/fish/completions/ctar.fish",
]);

function completionVerb(shell: string, script: string, examples: readonly string[]): Verb {
  return defineVerb({
    name: shell,
    summary: `Print the completion script for ${shell}`,
    description:
      "Completes commands, options, their values, containers, images and pools. The first example is for this shell, the second for all to come.",
    args: {},
    examples,
    run: async (_args, context) => await context.print(script.trimEnd()),
  });
}
