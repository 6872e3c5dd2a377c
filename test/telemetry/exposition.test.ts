import { expect, test } from 'vitest';
import { mergeExpositions } from '../../telemetry/exposition.ts';

test('the series of a metric stand together under one head, whoever told them', () => {
  const first = '# HELP a Of a.\n# TYPE a counter\na{process="0"} 1\n\n# TYPE b gauge\nb{process="0"} 2\n';
  const second =
    '# HELP b Of b.\n# TYPE b gauge\nb{process="1"} 3\n# HELP a Of a.\n# TYPE a counter\na{process="1"} 4\n# EOF\n';
  expect(mergeExpositions([first, '', second])).toBe(
    '# HELP a Of a.\n# TYPE a counter\na{process="0"} 1\na{process="1"} 4\n' +
      '# TYPE b gauge\n# HELP b Of b.\nb{process="0"} 2\nb{process="1"} 3\n',
  );
});

test('a metric without a series is left out', () => {
  expect(mergeExpositions(['# HELP a Of a.\n# TYPE a counter\n'])).toBe('');
});
