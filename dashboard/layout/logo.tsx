import styles from './logo.module.css';

export function Logo() {
  return (
    <span className={styles.logo}>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" className={styles.ground} />
        <g className={styles.mark}>
          <path d="M7 9.5h11.2a6.3 6.3 0 0 1 0 12.6H14" />
          <path d="M7 15.8h9.2" />
          <path d="m17.4 18.4-4 3.7 4 3.7" />
        </g>
      </svg>
      Postrider
    </span>
  );
}
