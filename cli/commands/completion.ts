import { command } from '../command.ts';
import { completionScript, shells } from '../completion.ts';
import { UsageError } from '../failures.ts';

export const completionCommand = command({
  name: 'completion',
  summary: 'print a completion script for a shell',
  args: [{ name: 'shell', summary: shells.join(', '), choices: shells }],
  options: {},
  asksApi: false,
  canJson: false,
  examples: [
    'bash: eval "$(postrider completion bash)"      # in ~/.bashrc',
    'zsh:  eval "$(postrider completion zsh)"       # in ~/.zshrc, after compinit',
    'fish: postrider completion fish | source       # in ~/.config/fish/config.fish',
  ],
  async run({ args, commands, out }) {
    const shell = shells.find((one) => one === args.shell);
    if (shell === undefined) {
      throw new UsageError(
        `there is completion for ${shells.join(', ')}, not for ${JSON.stringify(args.shell)}`,
      );
    }
    out.raw(completionScript(shell, commands));
    return undefined;
  },
});
