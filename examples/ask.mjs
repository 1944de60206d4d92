// Asks every host of the swarm over the agent of this machine, and says of each how it ended:
//   node examples/ask.mjs 'select version from os_version' [STATE-FOLDER]
import { askAgent, AgentError, CONTROL_SOCKET, defaultStateFolder } from 'swarmplane';

const [sql = 'select hostname from system_info', folder = defaultStateFolder()] =
  process.argv.slice(2);

try {
  const account = await askAgent(
    `${folder}/${CONTROL_SOCKET}`,
    { sql, timeoutMs: 10_000 },
    ({ rows }) => rows.forEach((row) => console.log(row.join('  '))),
  );
  for (const { name, state, message = '' } of account.hosts) console.log(name, state, message);
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.hint ?? ''}`);
  process.exitCode = 1;
}
