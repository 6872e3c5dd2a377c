import { type components, dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { UsageError } from '../failures.ts';
import { readJson } from '../values.ts';
import { changeOptions, settingsOf, shownSecret, showSecretOption } from '../webhook-options.ts';

type NewWebhook = components['schemas']['NewWebhook'];

export const webhooksCreateCommand = command({
  name: 'webhooks create',
  summary: 'register a webhook',
  args: [{ name: 'url', summary: 'where its endpoint is', optional: true }],
  options: {
    ...changeOptions,
    profile: {
      type: 'string',
      value: '<name>',
      choices: ['inbox', 'inbox-components', 'app-inbox', 'omnichannel', 'standard'],
      summary: 'its wire dialect (inbox)',
    },
    pull: { type: 'boolean', summary: 'without a URL: its deliveries are pulled' },
    ...showSecretOption,
  },
  asksApi: true,
  canJson: true,
  examples: [
    'postrider webhooks create https://a.test/in -e message.read -e "chat.*"',
    `postrider webhooks create https://a.test/in -e '*' --set '{"rate_limit": 50}'`,
  ],
  async run({ args, options, json, out, client, readInput, signal }) {
    if ((args.url === undefined) !== (options.pull === true)) {
      throw new UsageError('give its <url>, or --pull: see postrider webhooks create --help');
    }
    const more = await readJson(options.set ?? '{}', '--set', readInput);
    const body = {
      ...(more as object),
      ...settingsOf(options),
      url: args.url ?? null,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
    } as NewWebhook;
    const created = dataOf(await client().POST('/v1/webhooks', { body, signal }));
    const secret = shownSecret(created.secret, options['show-secret']);
    if (json) out.json({ ...created, secret });
    else {
      out.line(`${created.id} is registered`);
      out.line(
        options['show-secret']
          ? `secret  ${secret}`
          : `its signing secret: postrider webhooks secret ${created.id}`,
      );
    }
    return undefined;
  },
});
